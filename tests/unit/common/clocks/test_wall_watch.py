"""What a time daemon promised stays true between two questions, or is not said."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from plctl.common.base.clock import FakeClock
from plctl.common.base.units import NS_PER_S
from plctl.common.clocks.wall_promise import ClockDiscipline, WallReading
from plctl.common.clocks.wall_watch import AGEING_PPM, ASK_AGAIN_NS, ASK_NS, WallWatch

CHRONY = ClockDiscipline("chrony", "UTC", 50_000)


class World:
    """A watch, its clock, and a daemon that answers as it is told."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.daemon: ClockDiscipline | None = CHRONY
        self.wall_minus_monotonic_ns = 10**18
        self.asked = 0
        self.watch = WallWatch(self.clock, self._ask, self._read)

    def _ask(self) -> ClockDiscipline | None:
        self.asked += 1
        return self.daemon

    def _read(self, discipline: ClockDiscipline) -> WallReading:
        return WallReading(self.clock.monotonic_ns(), self.wall_minus_monotonic_ns, 100, discipline)

    async def after(self, ns: int, asked: int) -> WallReading | None:
        """The reading once `ns` have passed and the daemon was asked `asked` times in all."""
        self.clock.advance(ns)
        while self.asked < asked:
            await asyncio.sleep(0)
        for _ in range(100):  # the thread's answer has yet to arrive
            await asyncio.to_thread(lambda: None)
        return self.watch.reading()


@pytest.fixture
async def world() -> AsyncIterator[World]:
    """A watch that keeps."""
    made = World()
    keeping = asyncio.create_task(made.watch.keep())
    yield made
    keeping.cancel()
    await asyncio.gather(keeping, return_exceptions=True)


async def test_nobody_is_asked_before_somebody_wants_to_know(world: World) -> None:
    """A controller whose agents share its clock starts no chronyc."""
    await asyncio.sleep(0)
    assert 0 == world.asked
    assert world.watch.reading() is None
    assert await world.after(0, asked=1) is not None


async def test_a_promise_ages_until_it_is_renewed(world: World) -> None:
    """Its error grows by 15 ppm of the time since it was given."""
    world.watch.reading()
    await world.after(0, asked=1)
    aged = await world.after(4 * NS_PER_S, asked=1)
    assert aged is not None
    assert CHRONY.max_error_ns + 4_000 * AGEING_PPM == aged.discipline.max_error_ns
    renewed = await world.after(ASK_NS, asked=2)
    assert renewed is not None
    assert CHRONY == renewed.discipline


async def test_a_wall_clock_that_was_set_is_not_vouched_for(world: World) -> None:
    """Between two questions somebody sets the clock: what the daemon said of it is void until it is asked again."""
    world.watch.reading()
    await world.after(0, asked=1)
    world.wall_minus_monotonic_ns += 201
    assert world.watch.reading() is None
    assert await world.after(ASK_NS, asked=2) is not None


async def test_where_nothing_promises_it_is_asked_rarely(world: World) -> None:
    """A host without a daemon does not start processes every few seconds, but notices one that comes."""
    world.daemon = None
    world.watch.reading()
    assert await world.after(0, asked=1) is None
    assert await world.after(ASK_NS, asked=1) is None
    world.daemon = CHRONY
    assert await world.after(ASK_AGAIN_NS, asked=2) is not None
