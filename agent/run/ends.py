"""The ends of a run's links: watched from their self-checks on, what is heard logged, and books closed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import asdict

from plctl.agent.run.link import RunLink
from plctl.agent.watch.books import PATIENCE_NS
from plctl.agent.watch.ends_watch import EndsWatch, finish
from plctl.agent.watch.listener import Listener
from plctl.common.base.log import EventLog
from plctl.common.telemetry.samples import LinkStats
from plctl.common.telemetry.witness import InterfaceChange


class RunEnds:
    """The ends of all links of one run."""

    def __init__(self, links: Mapping[str, RunLink], listener: Listener, log: EventLog) -> None:
        self._links = links
        self._listener = listener
        self._log = log

    async def begin(self, link: RunLink, read: Callable[[], LinkStats]) -> None:
        """Watch a link that was just built; `read` gives the counters of its forwarder.

        :raises KernelError: a namespace is missing, or the kernel refuses.
        """
        loop = asyncio.get_running_loop()

        def tell(change: InterfaceChange) -> None:
            loop.call_soon_threadsafe(self._tell, link.plan.name, change)

        xdp = link.io == "xdp"
        link.ends = await asyncio.to_thread(EndsWatch, link.namespaces, read, self._listener, tell, link.plan, xdp=xdp)

    async def finish(self, *, hurry: bool) -> None:
        """Close the books of all links; `hurry`: without waiting for frames that still pass."""
        watches = [link.ends for link in self._links.values() if link.ends]
        await asyncio.to_thread(finish, watches, patience_ns=0 if hurry else PATIENCE_NS)

    async def forget(self) -> None:
        """Watch no more: what changes from now on is our doing."""
        for link in self._links.values():
            if link.ends:
                link.ends.close()

    def _tell(self, link: str, change: InterfaceChange) -> None:
        self._log.emit("interface.changed", link=link, **asdict(change))
