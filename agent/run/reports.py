"""A run's way to the controller's numbered stream, and its log, which travels in it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from plctl.agent.service.site import AgentServices
from plctl.common.base.log import Event, make_log
from plctl.common.protocol import messages as m


class RunReports:
    """What the run called `run` reports, beside the answers to commands."""

    def __init__(self, run: str, services: AgentServices) -> None:
        self._run = run
        self.services = services
        self._events: list[Event] = []
        self._offset_ns: int | None = None
        self.log = make_log(self._events.append, services.clock, host=services.name, run=run)

    async def report(self, make: Callable[[int], m.Message], *, expendable: bool = False) -> None:
        """Send the report that `make(number)` builds."""
        await self.services.report(make, self._run, expendable)

    async def send_events(self) -> None:
        """Send what was logged since the last time."""
        if self._events:
            batch = tuple(self._events)
            self._events.clear()
            await self.report(partial(m.Events, events=batch, offset_ns=self.offset_ns()))

    def offset_ns(self) -> int | None:
        """Controller's clock − this host's: now, or when it was last known in this run."""
        if (offset_ns := self.services.keeper.offset_ns) is not None:
            self._offset_ns = offset_ns
        return self._offset_ns
