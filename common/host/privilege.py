"""What the kernel lets this process do: commands that build links ask first, and fail before they touch anything."""

from __future__ import annotations

import os
from pathlib import Path

from plctl.common.base.errors import PrivilegeError

#: Bit numbers from linux/capability.h of what it takes to make namespaces, veth pairs and packet sockets.
NEEDED = {"CAP_NET_ADMIN": 12, "CAP_NET_RAW": 13, "CAP_SYS_ADMIN": 21}

_CAP_IPC_LOCK = 14
_STATUS = Path("/proc/self/status")


def require_root(what: str) -> None:
    """Return if this process holds the `NEEDED` capabilities (root does).

    :param what: the command as the user would type it, e.g. ``plctl run``.
    :raises PrivilegeError: any of them is missing; the message names them and says what to type.
    """
    if missing := missing_capabilities():
        way_out = f"sudo {what}" if os.geteuid() else "a container that is started with --privileged"
        raise PrivilegeError(f"{what} needs root: {', '.join(missing)} missing here; try: {way_out}")


def missing_capabilities(status: str | None = None) -> list[str]:
    """Names of the `NEEDED` capabilities outside the effective set, by name.

    :param status: text of /proc/PID/status; by default this process's.
    """
    effective = _effective(_STATUS.read_text() if status is None else status)
    return [name for name, bit in sorted(NEEDED.items()) if not effective >> bit & 1]


def may_lock_memory(status: str | None = None) -> bool:
    """Whether this process may lock memory whatever its limit says (CAP_IPC_LOCK); `status` as above."""
    return bool(_effective(_STATUS.read_text() if status is None else status) >> _CAP_IPC_LOCK & 1)


def _effective(status: str) -> int:
    for line in status.splitlines():
        if line.startswith("CapEff:"):
            return int(line.partition(":")[2], 16)
    return 0
