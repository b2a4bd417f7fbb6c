"""Knows at every moment how far the controller's clock is from this host's, and how wrong that can be.

It asks the controller for its clock now and then, and in bursts when it matters; it watches this host's own clocks, and
takes what chrony or PTP promise where that is tighter. The reasoning is `plctl.common.clocks.sync`'s.
"""

from __future__ import annotations

import asyncio
import random
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from plctl.common.base.clock import Clock, ClockIdentity, clock_identity, ends_by
from plctl.common.base.units import NS_PER_MS, NS_PER_S, NS_PER_US
from plctl.common.clocks.exchange_schedule import STEADY_GAP_NS, ExchangeSchedule
from plctl.common.clocks.sync import MAX_DRIFT_PPM, ClockEstimate, ClockEstimator, Exchange
from plctl.common.clocks.wall_promise import WallReading, interval_from_wall
from plctl.common.clocks.watch import ClockWatch
from plctl.common.protocol.presence import ClockQuery, ClockReply

#: Queries of a burst that may be on their way: a thousand agents must not flood a controller that is slow to answer.
MAX_ASKED = 3
#: Queries without a reply after which no more are asked until there is a new connection: what is not sent piles up.
MAX_UNANSWERED = 100
#: How long a burst waits for replies that may never come.
PATIENCE_NS = 1 * NS_PER_S
#: A bound that needs no further exchange: a tenth of what a start's skew may be unless the user says otherwise.
GOOD_NS = 100 * NS_PER_US
_ROUND_TRIPS_KEPT = 8
#: Between two exchanges of quiet times where round trips vary: at least, and how many times the gap of a burst.
_VARYING_GAP_NS, _VARYING_GAP_FACTOR = 200 * NS_PER_MS, 5


@dataclass(frozen=True, slots=True)
class Instant:
    """An instant that was given on the controller's clock, on this host's: wrong by at most `bound_ns`."""

    at_ns: int
    bound_ns: int
    source: str  #: who says so


class ClockKeeper:
    """One agent's knowledge of its controller's clock. Run `keep` in the background; hand it every reply."""

    def __init__(
        self,
        clock: Clock,
        ask: Callable[[ClockQuery], Awaitable[None]],
        wall: Callable[[], WallReading | None] = lambda: None,
        *,
        watch: ClockWatch | None = None,
        chance: random.Random | None = None,
    ) -> None:
        """`ask` sends a query; `wall` reads this host's wall clock, if something promises how right it is."""
        self._clock = clock
        self._ask = ask
        self._wall = wall
        self._watch = watch or ClockWatch()
        self._chance = chance or random.Random()
        self._estimator = ClockEstimator()
        self._schedule = ExchangeSchedule(self._chance)
        self._met = asyncio.Event()  #: the controller, and it has another clock
        self._trouble = "the controller has not welcomed this agent yet"
        self._asked: set[int] = set()
        self._heard = asyncio.Event()
        self._round_trips: deque[int] = deque(maxlen=_ROUND_TRIPS_KEPT)
        self._gap_ns = 0  #: between exchanges of one agent, were all of the controller's to read the clock
        self._better = False  #: an exchange of the burst was quicker than the few before it
        self._burst_trips: deque[int] = deque(maxlen=_ROUND_TRIPS_KEPT)  #: those since the last burst began

    # --- what is known

    def now(self) -> ClockEstimate | None:
        """The offset at this moment; None if it is not known, and `source` says why."""
        return self._at(self._clock.monotonic_ns())

    @property
    def offset_ns(self) -> int | None:
        """The controller's clock − this host's now, likeliest; None if that is not known."""
        estimate = self.now()
        return estimate.offset_ns if estimate else None

    @property
    def source(self) -> str:
        """Who says what is known of the offset now, or why it is not known."""
        if estimate := self.now():
            return estimate.source
        cause = self._trouble or self._estimator.reset_cause
        return f"the offset of the controller's clock is not known: {cause or 'it has not answered yet'}"

    @property
    def round_trip_ns(self) -> int:
        """The longest of the last few exchanges; −1: there were none."""
        return max(self._round_trips, default=-1)

    def controller_now_ns(self) -> int | None:
        """What the controller's clock shows, likeliest; None if that is not known."""
        offset_ns = self.offset_ns
        return None if offset_ns is None else self._clock.monotonic_ns() + offset_ns

    def to_agent(self, controller_ns: int) -> Instant | None:
        """When the controller's instant is on this host's clock; None if that is not known, and `source` says why."""
        self._look()
        found = None if self._trouble else self._estimator.to_agent(controller_ns)
        if found is None:
            return None
        at_ns, bound_ns = found
        estimate = self._estimator.at(at_ns)
        assert estimate is not None
        return Instant(at_ns, bound_ns, estimate.source)

    def error_ns(self, controller_ns: int, planned_ns: int, until_ns: int) -> int:
        """How wrong it can be, as is known now, that the controller's instant was `planned_ns` on this host's clock.

        It holds for this clock's readings from then until `until_ns`, which drift in the meantime. −1: not known.
        """
        found = self.to_agent(controller_ns)
        if found is None:
            return -1
        drifted_ns = -(-MAX_DRIFT_PPM * abs(until_ns - planned_ns) // 1_000_000)
        return abs(found.at_ns - planned_ns) + found.bound_ns + (0 if self._estimator.same_clock else drifted_ns)

    # --- how it becomes known

    def set_controller(self, controller: ClockIdentity, gap_ns: int = 0) -> None:
        """A connection to a controller has begun, whose clock is `controller`: nothing known before counts.

        :param gap_ns: between two exchanges, about, when all its agents read the clock.
        """
        self._gap_ns = gap_ns
        self._estimator = ClockEstimator(same_clock=controller == clock_identity())
        self._schedule = ExchangeSchedule(self._chance)
        self._trouble = ""
        self._asked.clear()
        self._round_trips.clear()
        if self._estimator.same_clock:
            self._met.clear()
        else:
            self._met.set()

    def handle_reply(self, reply: ClockReply, heard_ns: int) -> None:
        """A reply came at `heard_ns` (this host's clock)."""
        self._asked.discard(reply.t1_ns)
        self._round_trips.append(heard_ns - reply.t1_ns)
        self._better |= heard_ns - reply.t1_ns < min(self._burst_trips, default=heard_ns)
        self._burst_trips.append(heard_ns - reply.t1_ns)
        self._look(reply.unsettled)
        if not self._trouble:
            self._estimator.add(Exchange(reply.t1_ns, reply.t2_ns, reply.t3_ns, heard_ns))
            self._handle_promise(reply)
        self._heard.set()

    async def keep(self) -> None:
        """Exchange readings for ever, while there is a controller with another clock."""
        while True:
            await self._met.wait()
            await self._until_due()
            self._schedule.steady_gap_ns = self._steady_gap_ns()
            await self._ask_now()

    async def burst(self, patience_ns: int = PATIENCE_NS, exchanges: int = 0, gap_ns: int = 0) -> None:
        """Exchange readings quickly until the offset is known well, or as well as can be within `patience_ns`.

        :param exchanges: as many, rather than the few that find a moment with short queues, where delays vary so much
            that more of them make the offset better known; for them there is more patience, too.
        :param gap_ns: between two, about, if that is longer than usual: so many agents ask the same controller.
        """
        if not self._met.is_set():
            return
        limit_ns = self._clock.monotonic_ns() + patience_ns + exchanges * gap_ns
        self._asked.clear()
        self._burst_trips.clear()
        self._better = True
        self._schedule.burst(self._clock.monotonic_ns(), exchanges, gap_ns)
        while self._schedule.in_burst and await self._until_asked(MAX_ASKED - 1, limit_ns):
            await self._until_due(in_burst=True)
            if self._is_good() or self._is_steady() or self._clock.monotonic_ns() >= limit_ns:
                self._schedule.end_burst()
                return
            if self._schedule.in_burst:
                await self._ask_now()
        await self._until_asked(0, limit_ns)

    async def _until_due(self, *, in_burst: bool = False) -> None:
        """Wait until an exchange is due; in a burst no longer than that lasts, as `keep` may take its last turn."""
        while self._clock.monotonic_ns() < (due_ns := self._schedule.due_ns):
            if in_burst and not self._schedule.in_burst:
                return
            await self._clock.sleep_until(due_ns)

    async def _ask_now(self) -> None:
        self._schedule.sent(self._clock.monotonic_ns())
        if len(self._asked) < MAX_UNANSWERED:
            t1_ns = self._clock.monotonic_ns()
            self._asked.add(t1_ns)
            await self._ask(ClockQuery(t1_ns))

    async def _until_asked(self, most: int, limit_ns: int) -> bool:
        """Wait until at most `most` queries are without a reply; False if that takes until `limit_ns`."""
        while len(self._asked) > most:
            self._heard.clear()
            if not await ends_by(self._clock, limit_ns, self._heard.wait()):
                return False
        return True

    def _is_good(self) -> bool:
        """Whether the bound needs no further exchange; it is looked at only when it may have become better."""
        if not self._better:
            return False
        self._better = False
        return not self._trouble and self._estimator.within(GOOD_NS, self._clock.monotonic_ns())

    def _is_steady(self) -> bool:
        """The last few exchanges were so alike that more would tell nothing new."""
        return 0 <= self._differing_ns() <= GOOD_NS

    def _differing_ns(self) -> int:
        """By how much the last few round trips differ at most; −1: there were not so many since a burst began."""
        trips = self._burst_trips
        return max(trips) - min(trips) if len(trips) == _ROUND_TRIPS_KEPT else -1

    def _steady_gap_ns(self) -> int:
        """How far apart exchanges are to be when none is urgent.

        Where round trips vary each further one makes the likeliest offset better known, and those of quiet times more
        than those of a burst, when all agents ask and their hosts are busy.
        """
        if self._differing_ns() <= GOOD_NS:
            return STEADY_GAP_NS
        return min(STEADY_GAP_NS, max(_VARYING_GAP_NS, _VARYING_GAP_FACTOR * self._gap_ns))

    def _at(self, agent_ns: int) -> ClockEstimate | None:
        return None if self._trouble else self._estimator.at(agent_ns)

    def _look(self, unsettled: str = "") -> None:
        """Forget all when this host's clock, or the controller's, was disturbed."""
        if self._estimator.same_clock or not self._met.is_set():
            return
        trouble = self._watch.trouble() or (f"of the controller's host: {unsettled}" if unsettled else "")
        if trouble and not self._trouble:
            self._estimator.forget(self._clock.monotonic_ns(), trouble)
        self._trouble = trouble

    def _handle_promise(self, reply: ClockReply) -> None:
        agent = self._wall() if reply.wall else None
        if reply.wall and agent:
            interval = interval_from_wall(agent, reply.wall, apart_ns=agent.monotonic_ns - reply.t1_ns)
            if interval:
                self._estimator.promise(interval)
