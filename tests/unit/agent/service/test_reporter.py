"""Reports reach a controller that comes and goes, at its pace and in order, and it learns what it missed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from functools import partial

import pytest

from plctl.agent.service.outbox import Limits, Outbox
from plctl.agent.service.reporter import Reporter
from plctl.common.base.clock import FakeClock
from plctl.common.protocol import messages as m
from plctl.common.transport.hub_and_spoke import LocalHub


class Stage:
    """A reporter with little room, and the controller's end of its transport."""

    def __init__(self) -> None:
        self.hub = LocalHub()
        limits = Limits(ahead_reports=2, memory_bytes=2000, crowded_bytes=4000, disk_bytes=2000)
        clock = FakeClock()
        self.reporter = Reporter("edge-1", self.hub.spoke("edge-1"), clock, lambda: 7, Outbox(limits))

    async def report(self, size: int = 700, *, expendable: bool = False) -> None:
        """An artifact that may get lost, or not."""
        make = partial(m.Artifact, link="x", name="stdout", data=bytes(size))
        await self.reporter.report(make, "r", expendable)

    async def hear(self) -> m.Message:
        """What the controller gets next."""
        _, data = await asyncio.wait_for(self.hub.receive(), 10)
        return m.decode(data, "agent").message

    async def numbers(self, count: int) -> list[int]:
        """Of the next reports."""
        return [getattr(await self.hear(), "number", 0) for _ in range(count)]


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    """A fresh one."""
    made = Stage()
    yield made
    made.reporter.close()


async def test_acknowledgements_set_the_pace(stage: Stage) -> None:
    """A controller that was away for long is sent no more at once than one that was not."""
    for _ in range(5):
        await stage.report()
    await stage.reporter.welcome(0)
    assert [1, 2, 1, 2] == await stage.numbers(4), "sent, and sent again on a new connection"
    await stage.reporter.acknowledge(1)
    assert [3] == await stage.numbers(1)
    await stage.reporter.acknowledge(3)
    assert [4, 5] == await stage.numbers(2)


async def test_large_reports_wait_for_room(stage: Stage) -> None:
    """Whoever makes them is told when memory is crowded, and goes on once the controller has taken some."""
    for _ in range(8):
        await stage.report()
    assert stage.reporter.crowded()
    waiting = asyncio.create_task(stage.reporter.room())
    await stage.reporter.acknowledge(1)
    await asyncio.sleep(0)
    assert not waiting.done()
    await stage.reporter.acknowledge(8)
    await asyncio.wait_for(waiting, 10)
    assert not stage.reporter.crowded()


async def test_what_was_let_go_is_told_once_the_controller_is_back(stage: Stage) -> None:
    """An event in the run's own log says how many reports are missing, after those that are not."""
    for _ in range(8):
        await stage.report(expendable=True)
    assert [1, 2] == await stage.numbers(2)
    await stage.reporter.acknowledge(2)
    await stage.reporter.acknowledge(8)
    heard = [await stage.hear() for _ in range(3)]
    (event,) = [message for message in heard if isinstance(message, m.Events)]
    (gap,) = [message for message in heard if isinstance(message, m.Gap)]
    assert 0 < gap.number - gap.first + 1 == event.events[0]["reports"]
    assert ("telemetry.dropped", "r", 7) == (event.events[0]["event"], event.events[0]["run"], event.offset_ns)
    assert 9 == event.number


async def test_leaving_waits_for_the_last_reports_but_not_for_ever(stage: Stage) -> None:
    """An agent that leaves gives its controller the time to take them, and goes without it."""
    await stage.report()
    await stage.reporter.finish(0.01)
    assert 1 == stage.reporter.waiting
    leaving = asyncio.create_task(stage.reporter.finish(60))
    await asyncio.sleep(0)
    await stage.reporter.acknowledge(1)
    await asyncio.wait_for(leaving, 10)
