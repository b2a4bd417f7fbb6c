"""The kernel settings by which TCP and UDP behave at a link's ends, as a run's results record them."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress

from plctl.agent.kernel.namespace import run_inside
from plctl.agent.kernel.sysctl import Settings
from plctl.common.base.errors import KernelError

#: Below /proc/sys/net: what each namespace has for itself, and what only the whole host has.
_OF_NAMESPACE = tuple(
    f"ipv4/{name}"
    for name in (
        *("tcp_congestion_control", "tcp_rmem", "tcp_wmem", "tcp_ecn", "tcp_sack", "tcp_mtu_probing"),
        *("tcp_slow_start_after_idle", "tcp_notsent_lowat"),
    )
)
_OF_HOST = ("core/rmem_max", "core/wmem_max", "core/default_qdisc")


def telling_settings(namespace: str) -> dict[str, str]:
    """Name → value: those of `namespace`, a link's end, and those of this host. What a kernel has not is left out.

    :raises KernelError: there is no such namespace.
    """
    return run_inside(namespace, lambda: _read(namespace, _OF_NAMESPACE)) | _read("this host", _OF_HOST)


def _read(where: str, paths: Iterable[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    with Settings(where) as here:
        for path in paths:
            with suppress(KernelError):
                found["net." + path.replace("/", ".")] = " ".join(here.read(path).split())
    return found
