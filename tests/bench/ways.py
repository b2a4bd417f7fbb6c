"""The ways across a link that are compared: plctl by either back end, the kernel's own two, and phantomlink.

Each is an asynchronous context manager that makes frames cross the namespaces of a `World`. All use the same
interfaces, offloads off, so that nothing but what forwards differs. The redirect (`tc … mirred egress redirect`) and
the bridge delay nothing and touch no byte: the least that any emulator between two veths could cost.
"""

from __future__ import annotations

import subprocess
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from bench.phantomlink import running_phantomlink
from support.world import World

from plctl.agent.forwarder.client import ForwarderClient
from plctl.agent.kernel.link_namespaces import LINK_CLIENT_INTERFACE, LINK_SERVER_INTERFACE
from plctl.common.plan.forwarder_options import ForwarderOptions, Io
from plctl.common.plan.run_plan import LinkPlan

_INTERFACES = (LINK_CLIENT_INTERFACE, LINK_SERVER_INTERFACE)
_EVERYTHING = ("protocol", "all", "u32", "match", "u32", "0", "0")


@dataclass(frozen=True)
class Crossing:
    """A way that stands: the process that forwards, if it is not the kernel; plctl's also tells what it counts."""

    pid: int = 0
    client: ForwarderClient | None = None

    def cpu_s(self) -> float:
        """CPU time of all of the process's threads so far, with what the kernel did on their account."""
        threads = Path(f"/proc/{self.pid}/task").iterdir()
        return sum(int((thread / "schedstat").read_text().split()[0]) for thread in threads) / 1e9

    def memory_kib(self) -> int:
        """What the process holds of the machine's memory, its packet rings included."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        return int(status.partition("VmRSS:")[2].split()[0])


Way = Callable[[World, LinkPlan], AbstractAsyncContextManager[Crossing]]


@asynccontextmanager
async def redirect(place: World, _plan: LinkPlan) -> AsyncIterator[Crossing]:
    """The kernel forwards each frame where it arrives, by a tc filter."""
    for source, target in (_INTERFACES, _INTERFACES[::-1]):
        _in_link(place, "tc", "qdisc", "add", "dev", source, "clsact")
        action = ("action", "mirred", "egress", "redirect", "dev", target)
        _in_link(place, "tc", "filter", "add", "dev", source, "ingress", *_EVERYTHING, *action)
    try:
        yield Crossing()
    finally:
        for source in _INTERFACES:
            _in_link(place, "tc", "qdisc", "del", "dev", source, "clsact")


@asynccontextmanager
async def bridge(place: World, _plan: LinkPlan) -> AsyncIterator[Crossing]:
    """The kernel's learning bridge between the two interfaces."""
    _in_link(place, "ip", "link", "add", "bench", "type", "bridge")
    try:
        for interface in _INTERFACES:
            _in_link(place, "ip", "link", "set", interface, "master", "bench")
        _in_link(place, "ip", "link", "set", "bench", "up")
        yield Crossing()
    finally:
        _in_link(place, "ip", "link", "del", "bench")


@asynccontextmanager
async def plctl(io: Io, place: World, plan: LinkPlan) -> AsyncIterator[Crossing]:
    """A forwarder as `plctl run --io …` has it, with one worker."""
    client = await ForwarderClient.spawn(place.ledger, 1, ForwarderOptions(io=io, workers=1))
    try:
        await client.add(0, place.namespaces.link, plan)
        yield Crossing(client.pid, client)
    finally:
        await client.close()


@asynccontextmanager
async def phantomlink(place: World, plan: LinkPlan) -> AsyncIterator[Crossing]:
    """The program whose words `plctl link` speaks."""
    with running_phantomlink(place.namespaces, plan) as process:
        yield Crossing(process.pid)


#: References first. What has no model comes only where there is none to measure.
PLCTL: dict[str, Way] = {"packet": partial(plctl, "packet"), "xdp": partial(plctl, "xdp")}
EMULATORS: dict[str, Way] = {"phantomlink": phantomlink, **PLCTL}
WAYS: dict[str, Way] = {"redirect": redirect, "bridge": bridge, **EMULATORS}


def _in_link(place: World, tool: str, *arguments: str) -> None:
    subprocess.run([tool, "-n", place.namespaces.link, *arguments], check=True)
