"""Sends an agent's reports as the controller takes them, and says when there is room for more and what was let go."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from functools import partial

from plctl.agent.service.outbox import Outbox
from plctl.common.base.clock import Clock
from plctl.common.base.log import Event, make_log
from plctl.common.protocol import messages as m
from plctl.common.transport.hub_and_spoke import Spoke


class Reporter:
    """The numbered stream of the agent called `name`, on its way through `spoke`."""

    def __init__(
        self, name: str, spoke: Spoke, clock: Clock, offset_ns: Callable[[], int | None], outbox: Outbox | None = None
    ) -> None:
        """`offset_ns` is what to add to `clock` for the controller's, None if that is not known."""
        self._name = name
        self._spoke = spoke
        self._clock = clock
        self._offset_ns = offset_ns
        self._outbox = outbox or Outbox()
        self._sending = asyncio.Lock()  # reports go out in order
        self._acknowledged = asyncio.Event()

    @property
    def waiting(self) -> int:
        """Reports that are not acknowledged yet."""
        return self._outbox.waiting

    def crowded(self) -> bool:
        """Whether so much waits that large reports should not be made now."""
        return self._outbox.crowded

    async def room(self) -> None:
        """Return once large reports may be made."""
        while self._outbox.crowded:
            await self._next_acknowledgement()

    async def report(self, make: Callable[[int], m.Message], epoch: str, expendable: bool) -> None:
        """Number, keep and send what `make(number)` builds for run `epoch`. Only what is expendable is ever let go.

        :raises ProtocolError: it is too large to be sent.
        """
        self._outbox.put(make, epoch, expendable=expendable)
        await self._send()

    async def welcome(self, acknowledged: int) -> None:
        """A controller is there, perhaps again, and has everything up to `acknowledged`."""
        self._outbox.rewind(acknowledged)
        await self.acknowledge(acknowledged)

    async def acknowledge(self, number: int) -> None:
        """The controller has everything up to `number`. Now it is there to be told what was let go meanwhile."""
        self._outbox.acknowledge(number)
        self._acknowledged.set()
        for epoch, reports in self._outbox.take_dropped().items():
            log: list[Event] = []
            cause = "the controller took nothing for longer than this host has room for telemetry"
            source = make_log(log.append, self._clock, host=self._name, run=epoch)
            source.emit("telemetry.dropped", reports=reports, cause=cause)
            self._outbox.put(partial(m.Events, events=tuple(log), offset_ns=self._offset_ns()), epoch)
        await self._send()

    async def finish(self, patience_s: float) -> None:
        """Return once the controller has everything, or has not for so long."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._all_acknowledged(), patience_s)

    def close(self) -> None:
        """Give up what is kept; twice is harmless."""
        self._outbox.close()

    async def _send(self) -> None:
        """Send what the controller can take now; its acknowledgements call for the rest."""
        async with self._sending:
            while (data := self._outbox.next()) is not None:
                await self._spoke.send(data)

    async def _all_acknowledged(self) -> None:
        while self._outbox.waiting:
            await self._next_acknowledgement()

    async def _next_acknowledgement(self) -> None:
        self._acknowledged.clear()
        await self._acknowledged.wait()
