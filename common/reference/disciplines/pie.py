"""PIE, from the text of RFC 8033: its basic algorithm (section 4), and ECN as section 5.1 has it."""

from __future__ import annotations

from copy import copy
from fractions import Fraction
from math import floor

from plctl.common.reference.disciplines.discipline import ADMITTED, AQM, QUEUE_FULL, Line, Surroundings, Waiting
from plctl.common.reference.disciplines.timed import ONE, Timer, below, clamp, pi_change

MEAN_FRAME = 1024
DQ_THRESHOLD = 2**14
LONGEST_NS = 1000 * 10**9
UNLIMITED = 2**63 - 1


class PIE(Line):
    """One queue, from which frames are kept with a probability."""

    def __init__(self, surroundings: Surroundings) -> None:
        super().__init__(surroundings)
        self.p = surroundings.parameters
        self.timer = Timer(self.p["tupdate"], surroundings.t0)
        self.chance = 0  #: in units of 2⁻⁴⁸
        self.delay = 0
        self.burst = self.p["max_burst"]
        self.begun: int | None = None  #: when the measurement under way began
        self.departed = 0
        self.average = 0  #: how long DQ_THRESHOLD bytes take to depart; 0: not known

    def arrive(self, frame: Waiting, now: int) -> int:
        """Dropped, or marked, by chance."""
        self._catch_up(now)
        if not self.has_room(frame.length):
            return QUEUE_FULL
        if self._is_chosen(frame):
            may_mark = self.p["ecn"] and self.chance < ONE // 10
            if not (may_mark and self.mark(frame)):
                return AQM
        self.line.append(frame)
        return ADMITTED

    def next(self, now: int) -> Waiting:
        """The oldest; its departure is measured (section 4.3)."""
        self._catch_up(now)
        frame = self.line.pop(0)
        if self.begun is None and self._backlog() >= DQ_THRESHOLD:
            self.begun, self.departed = now, 0
        if self.begun is not None:
            self.departed += frame.length
            if self.departed >= DQ_THRESHOLD:
                took = min(now - self.begun, LONGEST_NS)
                self.average = (took + 3 * self.average) // 4 if self.average else took
                self.begun = None
        return frame

    def probability(self) -> int:
        """Of a drop."""
        return self.chance

    def seen_at(self, now: int, *, ticks: bool) -> PIE:
        """A copy that has caught up."""
        seen = copy(self)
        seen.timer = copy(self.timer)
        if ticks:
            seen._catch_up(now)
        return seen

    def _is_chosen(self, frame: Waiting) -> bool:
        calm = Fraction(self.delay) < Fraction(self.p["target"], 2) and self.chance < ONE // 5
        if self.burst > 0 or calm or self._backlog() <= 2 * MEAN_FRAME:
            return False
        return below(self.around.draw(frame.number)[:2], self.chance)

    def _backlog(self) -> int:
        return sum(frame.length for frame in self.line)

    def _catch_up(self, now: int) -> None:
        for tick in self.timer.until(now):
            if not self._update(tick) and not self.line:
                break

    def _update(self, tick: int) -> bool:
        """Whether the tick changed anything."""
        before = (self.chance, self.delay, self.burst)
        delay, old = self._delay_at(tick), self.delay
        change = pi_change(self.p, delay, old, divisor=self._divisor())
        self.chance = clamp(self.chance + change)
        if delay == old == 0:
            self.chance = floor(Fraction(98, 100) * self.chance)
        self.burst = max(0, self.burst - self.p["tupdate"])
        if self.chance == 0 and max(delay, old) < Fraction(self.p["target"], 2):
            self.burst = self.p["max_burst"]
        self.delay = delay
        return before != (self.chance, self.delay, self.burst)

    def _delay_at(self, tick: int) -> int:
        if self.p["dq_rate_estimator"]:
            return min(self._backlog() * self.average // DQ_THRESHOLD, LONGEST_NS)
        rate = self.around.rate_at(tick)
        if rate in (0, UNLIMITED):
            return 0
        return min(self._backlog() * 8 * 10**9 // rate, LONGEST_NS)

    def _divisor(self) -> int:
        for exponent, divisor in ((6, 2048), (5, 512), (4, 128), (3, 32), (2, 8), (1, 2)):
            if self.chance < ONE // 10**exponent:
                return divisor
        return 1
