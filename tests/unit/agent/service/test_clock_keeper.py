"""An agent's knowledge of its controller's clock: right within its bound, or said to be unknown, and why."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from plctl.agent.service.clock_keeper import MAX_ASKED, MAX_UNANSWERED, PATIENCE_NS, ClockKeeper
from plctl.common.base.clock import ClockIdentity, FakeClock, clock_identity
from plctl.common.base.units import NS_PER_MS, NS_PER_S, NS_PER_US
from plctl.common.clocks.wall_promise import ClockDiscipline, WallReading
from plctl.common.clocks.watch import QUIET_NS, ClockSample, ClockWatch
from plctl.common.protocol.presence import ClockQuery, ClockReply

OFFSET_NS = 7 * 3600 * NS_PER_S  #: controller's clock − agent's
OTHER = ClockIdentity("another machine", "")
STEP_NS = 25 * NS_PER_US


class World:
    """A keeper, its clock, and a controller that answers over a path with delays. Nothing really waits."""

    def __init__(self, forward_ns: int = 200 * NS_PER_US, back_ns: int = 100 * NS_PER_US) -> None:
        self.clock = FakeClock()
        self.spread_ns = 0  #: each way may take so much longer
        self._chance = random.Random(2)
        self.forward_ns, self.back_ns = forward_ns, back_ns
        self.answers = True
        self.unsettled = ""
        self.wall: WallReading | None = None
        self.slept_ns = 0  #: of this host, so far
        self.asked: list[int] = []
        self.most_asked = 0
        self._coming: list[tuple[int, ClockReply]] = []
        self.keeper = ClockKeeper(
            self.clock, self._ask, lambda: self.wall, watch=ClockWatch(self._sample), chance=random.Random(1)
        )

    async def _ask(self, query: ClockQuery) -> None:
        self.asked.append(query.t1_ns)
        if self.answers:
            forward_ns, back_ns = (
                self._chance.randint(0, self.spread_ns) + ns for ns in (self.forward_ns, self.back_ns)
            )
            t2_ns = self.clock.monotonic_ns() + forward_ns + OFFSET_NS
            reply = ClockReply(query.t1_ns, t2_ns, t2_ns + 1, self.unsettled, self.wall)
            self._coming.append((t2_ns - OFFSET_NS + 1 + back_ns, reply))
        self.most_asked = max(self.most_asked, len(self._coming))

    def _sample(self) -> ClockSample:
        now_ns = self.clock.monotonic_ns()
        return ClockSample(now_ns, now_ns, now_ns + self.slept_ns, 1)

    async def live(self, ns: int, step_ns: int = STEP_NS) -> None:
        """Let `ns` pass; delays are as exact as `step_ns`."""
        for _ in range(0, ns, step_ns):
            self.clock.advance(step_ns)
            now_ns = self.clock.monotonic_ns()
            due = [reply for at_ns, reply in self._coming if at_ns <= now_ns]
            self._coming = [each for each in self._coming if each[0] > now_ns]
            for reply in due:
                self.keeper.handle_reply(reply, now_ns)
            for _ in range(5):
                await asyncio.sleep(0)

    async def burst(self, patience_ns: int = PATIENCE_NS, exchanges: int = 0) -> int:
        """A burst; how long it took."""
        begun_ns = self.clock.monotonic_ns()
        bursting = asyncio.create_task(self.keeper.burst(patience_ns, exchanges))
        while not bursting.done():
            await self.live(STEP_NS)
        return self.clock.monotonic_ns() - begun_ns


@pytest.fixture
async def world() -> AsyncIterator[World]:
    """A world in which the keeper keeps."""
    made = World()
    keeping = asyncio.create_task(made.keeper.keep())
    yield made
    keeping.cancel()
    await asyncio.gather(keeping, return_exceptions=True)


async def test_the_offset_is_known_within_its_bound(world: World) -> None:
    """After the first burst the truth is within the bound, and the bound within half a round trip and some drift."""
    world.keeper.set_controller(OTHER)
    await world.live(100 * NS_PER_MS)
    estimate = world.keeper.now()
    assert estimate is not None
    assert abs(estimate.offset_ns - OFFSET_NS) <= estimate.bound_ns
    assert estimate.bound_ns < 300 * NS_PER_US
    assert ("exchanges", 8) == (world.keeper.source, len(world.asked))
    assert 300 * NS_PER_US <= world.keeper.round_trip_ns < 400 * NS_PER_US


async def test_an_instant_is_translated_with_its_bound(world: World) -> None:
    """The controller's T0 on this clock is off by no more than its bound says, before it and after it."""
    world.keeper.set_controller(OTHER)
    await world.live(100 * NS_PER_MS)
    truth_ns = world.clock.monotonic_ns() + 250 * NS_PER_MS
    before = world.keeper.to_agent(truth_ns + OFFSET_NS)
    assert before is not None
    assert abs(before.at_ns - truth_ns) <= before.bound_ns
    await world.live(300 * NS_PER_MS)
    await world.burst()
    after_ns = world.keeper.error_ns(truth_ns + OFFSET_NS, before.at_ns, before.at_ns)
    assert abs(before.at_ns - truth_ns) <= after_ns <= before.bound_ns
    late_ns = world.keeper.error_ns(truth_ns + OFFSET_NS, before.at_ns, before.at_ns + NS_PER_S)
    assert after_ns + 1_001_000 == late_ns  # two clocks may part by 1001 ppm in that second


async def test_what_is_not_known_is_said(world: World) -> None:
    """Before a welcome, and before the first answer, nothing is known, and a sentence says why."""
    assert world.keeper.now() is None
    assert "has not welcomed" in world.keeper.source
    world.answers = False
    world.keeper.set_controller(OTHER)
    await world.live(NS_PER_MS)
    assert world.keeper.to_agent(1) is None
    assert world.keeper.controller_now_ns() is None
    assert -1 == world.keeper.round_trip_ns
    assert world.keeper.source == "the offset of the controller's clock is not known: it has not answered yet"


async def test_on_one_clock_nothing_is_exchanged(world: World) -> None:
    """A controller that reads the very same clock is never asked: the offset is 0, exactly."""
    world.keeper.set_controller(clock_identity())
    await world.keeper.burst()
    await world.live(20 * NS_PER_MS)
    assert [] == world.asked
    instant = world.keeper.to_agent(12345)
    assert instant is not None
    assert (12345, 0, "the same clock") == (instant.at_ns, instant.bound_ns, instant.source)
    assert 0 == world.keeper.error_ns(12345, 12345, 99999)


async def trickle(world: World, gap_ns: int) -> int:
    """How many queries ten quiet seconds see, where all agents at once would ask every `gap_ns`.

    A run of few agents, whose queries may be close together, changes nothing: the others are still there.
    """
    world.keeper.set_controller(OTHER, gap_ns)
    await world.live(NS_PER_S, NS_PER_MS)
    bursting = asyncio.create_task(world.keeper.burst(gap_ns=2 * NS_PER_MS))
    await world.live(4 * NS_PER_S, NS_PER_MS)
    await bursting
    world.asked.clear()
    await world.live(10 * NS_PER_S, NS_PER_MS)
    return len(world.asked)


async def test_where_round_trips_vary_the_trickle_is_denser(world: World) -> None:
    """Among 20 agents that are to ask every 40 ms in a burst, one asks five times a second at other times."""
    world.spread_ns = 4 * NS_PER_MS
    assert 40 <= await trickle(world, 40 * NS_PER_MS) <= 67


async def test_where_agents_are_many_the_trickle_is_not_denser(world: World) -> None:
    """A thousand of them would ask the controller more than it should answer: each asks every two seconds."""
    world.spread_ns = 4 * NS_PER_MS
    assert 4 <= await trickle(world, 400 * NS_PER_MS) <= 7


async def test_where_round_trips_are_alike_the_trickle_is_thin(world: World) -> None:
    """More exchanges would tell nothing new."""
    assert 4 <= await trickle(world, 40 * NS_PER_MS) <= 7


async def test_a_burst_ends_when_the_bound_is_good(world: World) -> None:
    """On a fast path one exchange is enough."""
    world.forward_ns = world.back_ns = 50 * NS_PER_US
    world.keeper.set_controller(OTHER)
    await world.live(NS_PER_S, NS_PER_MS)
    world.asked.clear()
    await world.burst()
    assert 1 == len(world.asked)


async def test_a_burst_ends_though_the_trickle_takes_its_last_turn(world: World) -> None:
    """An exchange of the trickle that is due within a burst joins it; the burst does not wait for the next of those."""
    world.keeper.set_controller(OTHER)
    await world.live(200 * NS_PER_MS, NS_PER_MS)
    for _ in range(10):  # which of two that wake at the same instant comes first is a matter of chance
        trickle_ns = world.keeper._schedule.due_ns
        await world.live(trickle_ns - world.clock.monotonic_ns() - 30 * NS_PER_MS, NS_PER_MS)
        assert await world.burst() < 150 * NS_PER_MS
        await world.live(100 * NS_PER_MS, NS_PER_MS)


async def test_a_burst_on_a_slow_path_does_not_flood(world: World) -> None:
    """All queries are asked and answered, but few are on their way at a time."""
    world.forward_ns = world.back_ns = 30 * NS_PER_MS
    world.keeper.set_controller(OTHER)
    await world.live(300 * NS_PER_MS, NS_PER_MS)
    world.asked.clear()
    world.most_asked = 0
    took_ns = await world.burst()
    assert 8 == len(world.asked)
    assert world.most_asked <= MAX_ASKED
    assert 60 * NS_PER_MS < took_ns < 300 * NS_PER_MS


async def test_a_long_burst_finds_the_offset_among_varying_delays(world: World) -> None:
    """Of many exchanges some have short queues both ways, and between those the offset lies."""
    world.forward_ns = world.back_ns = 3 * NS_PER_MS
    world.spread_ns = 4 * NS_PER_MS
    world.keeper.set_controller(OTHER)
    await world.live(300 * NS_PER_MS, NS_PER_MS)
    world.asked.clear()
    await world.burst(exchanges=96)
    assert 50 < len(world.asked) <= 96
    estimate = world.keeper.now()
    assert estimate is not None
    assert abs(estimate.offset_ns - OFFSET_NS) < 200 * NS_PER_US


async def test_a_long_burst_ends_where_more_would_tell_nothing(world: World) -> None:
    """On a slow path with even delays the ninth exchange is like the first."""
    world.forward_ns = world.back_ns = 3 * NS_PER_MS
    world.keeper.set_controller(OTHER)
    await world.live(300 * NS_PER_MS, NS_PER_MS)
    world.asked.clear()
    await world.burst(exchanges=96)
    assert 8 <= len(world.asked) < 12


async def test_a_burst_does_not_wait_for_ever(world: World) -> None:
    """Where nobody answers, it ends when its patience does."""
    world.keeper.set_controller(OTHER)
    await world.live(100 * NS_PER_MS)
    world.answers = False
    await world.live(3 * NS_PER_S, NS_PER_MS)  # what was known has aged, so the burst must ask
    assert PATIENCE_NS <= await world.burst() <= PATIENCE_NS + NS_PER_MS
    assert 30 * NS_PER_MS <= await world.burst(30 * NS_PER_MS) <= 31 * NS_PER_MS  # ARM leaves no more


async def test_a_controller_that_is_away_is_not_asked_for_ever(world: World) -> None:
    """Queries that nobody takes do not pile up; the next welcome begins anew."""
    world.answers = False
    world.keeper.set_controller(OTHER)
    await world.live(600 * NS_PER_S, 100 * NS_PER_MS)
    assert MAX_UNANSWERED == len(world.asked)
    world.answers = True
    world.keeper.set_controller(OTHER)
    await world.live(3 * NS_PER_S, NS_PER_MS)
    assert "exchanges" == world.keeper.source


async def test_a_host_that_slept_knows_nothing_for_a_while(world: World) -> None:
    """After a suspend all is forgotten with the cause, and learnt anew once the clock has been quiet."""
    world.keeper.set_controller(OTHER)
    await world.live(100 * NS_PER_MS)
    world.slept_ns = NS_PER_S
    assert world.keeper.to_agent(world.clock.monotonic_ns() + OFFSET_NS) is None
    assert "this host was suspended for 1 s" in world.keeper.source
    await world.live(QUIET_NS + 3 * NS_PER_S, NS_PER_MS)
    estimate = world.keeper.now()
    assert estimate is not None
    assert 1 == estimate.resets
    assert abs(estimate.offset_ns - OFFSET_NS) <= estimate.bound_ns


async def test_a_controller_that_slept_is_not_believed(world: World) -> None:
    """While the controller says that its own clock was disturbed, its readings count for nothing."""
    world.keeper.set_controller(OTHER)
    await world.live(100 * NS_PER_MS)
    world.unsettled = "this host was suspended for 2 s"
    await world.burst()
    assert world.keeper.now() is None
    assert "of the controller's host: this host was suspended for 2 s" in world.keeper.source
    world.unsettled = ""
    await world.burst()
    assert "exchanges" == world.keeper.source


async def test_a_new_welcome_begins_anew(world: World) -> None:
    """Another controller may have come: what was known of the last one counts no more."""
    world.keeper.set_controller(OTHER)
    await world.live(100 * NS_PER_MS)
    world.answers = False
    world.keeper.set_controller(OTHER)
    assert world.keeper.now() is None


async def test_a_promise_of_both_hosts_tightens_the_bound(world: World) -> None:
    """Where both wall clocks are promised to be right within microseconds, a lopsided path matters no more."""
    world.back_ns = 20 * NS_PER_MS
    world.keeper.set_controller(OTHER)
    await world.live(200 * NS_PER_MS)
    loose = world.keeper.now()
    assert loose is not None
    assert loose.bound_ns > 10 * NS_PER_MS
    wall = 10**18
    agent = WallReading(world.clock.monotonic_ns(), wall, 0, ClockDiscipline("chrony", "UTC", 5_000))
    world.wall = replace(agent, wall_minus_monotonic_ns=wall - OFFSET_NS)  # the controller's
    world.keeper._wall = lambda: replace(agent, monotonic_ns=world.clock.monotonic_ns())
    await world.burst()
    tight = world.keeper.now()
    assert tight is not None
    assert "chrony on both hosts" == tight.source
    assert tight.bound_ns < 100 * NS_PER_US
    assert abs(tight.offset_ns - OFFSET_NS) <= tight.bound_ns
