"""Kernel settings of a namespace: quiet interfaces, and TCP buffers that can fill the path.

`/proc/sys/net` shows each thread the settings of the namespace it is in, so everything here is for a thread that has
entered one. Only settings that exist per namespace are written: net.core.rmem_max and its kin belong to the whole
machine (read-only elsewhere), so a program that sets SO_RCVBUF itself is bound by the host's limit.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Self, TypeVar

from plctl.agent.kernel.own_procfs import open_own_procfs
from plctl.common.base.errors import KernelError
from plctl.common.plan.run_plan import LinkPlan

T = TypeVar("T")
SYSCTL_DIR = Path("/proc/sys/net")
BDP_MULTIPLE = 3  #: a TCP buffer must hold a window and what the kernel's bookkeeping adds to it
SUPER_FRAMES_MULTIPLE = 8  #: of the rate that an unlimited one is taken for
_BUFFER_LIMIT = 2**31 - 1  # the kernel keeps these as int
_LONGEST = 4096  # more than any value here has

#: What a new interface inherits so that it says nothing of its own accord and believes nobody.
QUIET = {
    "ipv6/conf/default/accept_ra": "0",
    "ipv6/conf/default/router_solicitations": "0",
    "ipv6/conf/default/dad_transmits": "0",
    "ipv6/conf/default/accept_dad": "0",
    # Membership of the solicited-node group is reported twice; at once instead of within the first second.
    "ipv6/conf/default/mldv1_unsolicited_report_interval": "1",
    "ipv6/conf/default/mldv2_unsolicited_report_interval": "1",
}
#: These two are for few namespaces, made one after the other: while somebody else has the kernel's lock for network
#: configuration a write to them does not sleep but takes a CPU.
NO_LINK_LOCAL = {"ipv6/conf/default/addr_gen_mode": "1"}
NO_IPV6 = {"ipv6/conf/all/disable_ipv6": "1", "ipv6/conf/default/disable_ipv6": "1"}


class Settings:
    """Those of the calling thread's namespace, by their paths below /proc/sys/net. To be closed, or used by `with`.

    They are looked up in a procfs of their own where the kernel gives one: `own_procfs` has the reason.
    """

    def __init__(self, where: str) -> None:
        """`where` is the namespace's name, for errors.

        :raises KernelError: there are none, as without /proc.
        """
        self._where = where
        try:
            self._folder = _open_settings()
        except OSError as error:
            raise KernelError.from_os(f"open {SYSCTL_DIR} in {where}", error) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def read(self, path: str) -> str:
        """The value of one.

        :raises KernelError: it cannot be read; the message names it.
        """
        return self._use("read", path, os.O_RDONLY, lambda setting: os.read(setting, _LONGEST)).decode()

    def write(self, settings: Mapping[str, str]) -> None:
        """Write settings, path → value.

        :raises KernelError: one cannot be written; the message names it.
        """
        for path, value in settings.items():
            self._use("set", path, os.O_WRONLY, partial(_write, value.encode()))

    def close(self) -> None:
        """Let go of them. Twice is harmless."""
        if self._folder >= 0:
            os.close(self._folder)
            self._folder = -1

    def _use(self, verb: str, path: str, flags: int, use: Callable[[int], T]) -> T:
        try:
            setting = os.open(path, flags | os.O_CLOEXEC, dir_fd=self._folder)
            try:
                return use(setting)
            finally:
                os.close(setting)
        except OSError as error:
            attempt = f"{verb} net.{path.replace('/', '.')} in {self._where}"
            if path.startswith("ipv6/") and not (SYSCTL_DIR / "ipv6").exists():
                raise KernelError(
                    f"cannot {attempt}: this kernel has no IPv6; "
                    "boot it without ipv6.disable=1, or load the module ipv6 (modprobe ipv6)"
                ) from error
            raise KernelError.from_os(attempt, error) from error


def _write(value: bytes, setting: int) -> None:
    os.write(setting, value)


def _open_settings() -> int:
    flags = os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC
    try:
        own = open_own_procfs()
    except OSError:
        return os.open(SYSCTL_DIR, flags)
    try:
        return os.open(SYSCTL_DIR.relative_to("/proc"), flags, dir_fd=own)
    finally:
        os.close(own)


def write(settings: Mapping[str, str], where: str) -> None:
    """Write settings (path below /proc/sys/net → value) for the calling thread's namespace, called `where`.

    :raises KernelError: one cannot be written; the message names it.
    """
    with Settings(where) as here:
        here.write(settings)


def buffer_bytes(plan: LinkPlan) -> int:
    """`BDP_MULTIPLE` × the larger BDP of either direction, an unlimited rate taken for 1 Gbit/s.

    Where super-frames cross the link, such a rate is taken for `SUPER_FRAMES_MULTIPLE` times as much.
    """
    bdp = max(plan.up.assumed_bdp_bytes, plan.down.assumed_bdp_bytes)
    faster = plan.offload == "on" and (plan.up.is_unlimited or plan.down.is_unlimited)
    return min(BDP_MULTIPLE * bdp * (SUPER_FRAMES_MULTIPLE if faster else 1), _BUFFER_LIMIT)


def fit_tcp_buffers(here: Settings, plan: LinkPlan) -> None:
    """Raise the largest TCP buffers to what `buffer_bytes` says; the kernel's own limits are never lowered.

    Smallest and initial sizes stay, so slow start looks as it does anywhere else.

    :raises KernelError: they cannot be read or written.
    """
    wanted = buffer_bytes(plan)
    for path in ("ipv4/tcp_rmem", "ipv4/tcp_wmem"):
        smallest, initial, largest = here.read(path).split()
        if wanted > int(largest):
            here.write({path: f"{smallest} {initial} {wanted}"})
