"""What the kernel lets this process do: commands that build links ask first, and fail before they touch anything."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from plctl.common.base.errors import PrivilegeError

#: Bit numbers from linux/capability.h of what it takes to make namespaces, veth pairs and packet sockets.
NEEDED = {"CAP_NET_ADMIN": 12, "CAP_NET_RAW": 13, "CAP_SYS_ADMIN": 21}

#: Where sudo looks for commands, whatever the caller's PATH says (its default `secure_path`).
_SUDO_PATH = ("/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin")
_CAP_IPC_LOCK = 14
_STATUS = Path("/proc/self/status")


def require_root(what: str) -> None:
    """Return if this process holds the `NEEDED` capabilities (root does).

    :param what: the command by its name, e.g. ``plctl run``.
    :raises PrivilegeError: any of them is missing; the message names them and says what to type.
    """
    if missing := missing_capabilities():
        way_out = sudo_command() if os.geteuid() else "a container that is started with --privileged"
        raise PrivilegeError(f"{what} needs root: {', '.join(missing)} missing here; try: {way_out}")


def sudo_command(*arguments: str, argv: Sequence[str] = ()) -> str:
    """What to type for this command to run as root: with its path, where sudo would not find it, and its arguments.

    :param arguments: others than this process was given.
    :param argv: by default this process's.
    """
    program, *given = argv or sys.argv
    path = Path(program)
    command = ["plctl"]
    if path.name == "plctl" and str(path.parent) not in _SUDO_PATH:
        command = [program]
    elif path.parts[-2:] == ("common", "__main__.py"):
        command = [sys.executable, "-P", "-m", "plctl.common"]
    return shlex.join(["sudo", *command, *(arguments or given)])


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
