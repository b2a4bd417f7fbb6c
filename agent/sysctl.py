"""Kernel settings of a namespace: quiet interfaces, and TCP buffers that can fill the path.

`/proc/sys/net` shows each thread the settings of the namespace it is in, so everything here is for a thread that has
entered one. Only settings that exist per namespace are written: net.core.rmem_max and its kin belong to the whole
machine (read-only elsewhere), so a program that sets SO_RCVBUF itself is bound by the host's limit.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from plctl.common.errors import KernelError
from plctl.common.plan import LinkPlan

SYSCTL_DIR = Path("/proc/sys/net")
BDP_MULTIPLE = 3  #: a TCP buffer must hold a window and what the kernel's bookkeeping adds to it
_BUFFER_LIMIT = 2**31 - 1  # the kernel keeps these as int

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


def write(settings: Mapping[str, str], where: str) -> None:
    """Write settings (path below /proc/sys/net → value) for the calling thread's namespace, called `where`.

    :raises KernelError: one cannot be written; the message names it.
    """
    for path, value in settings.items():
        try:
            (SYSCTL_DIR / path).write_text(value)
        except FileNotFoundError as error:
            if path.startswith("ipv6/") and not (SYSCTL_DIR / "ipv6").exists():
                raise KernelError(
                    f"cannot set net.{path.replace('/', '.')} in {where}: this kernel has no IPv6; "
                    "boot it without ipv6.disable=1, or load the module ipv6 (modprobe ipv6)"
                ) from error
            raise KernelError.from_os(f"set net.{path.replace('/', '.')} in {where}", error) from error
        except OSError as error:
            raise KernelError.from_os(f"set net.{path.replace('/', '.')} in {where}", error) from error


def tcp_buffers(plan: LinkPlan) -> dict[str, str]:
    """Settings for the calling thread's namespace that raise the largest TCP buffers to `BDP_MULTIPLE` × BDP.

    The BDP is the largest of either direction; the kernel's own limits are never lowered. Smallest and initial sizes
    stay, so slow start looks as it does anywhere else.
    """
    wanted = min(BDP_MULTIPLE * max(plan.up.bdp_bytes(), plan.down.bdp_bytes()), _BUFFER_LIMIT)
    settings = {}
    for path in ("ipv4/tcp_rmem", "ipv4/tcp_wmem"):
        smallest, initial, largest = (SYSCTL_DIR / path).read_text().split()
        if wanted > int(largest):
            settings[path] = f"{smallest} {initial} {wanted}"
    return settings
