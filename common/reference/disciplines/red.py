"""RED, from Floyd and Jacobson's paper of 1993, and adaptive RED, from Floyd, Gummadi and Shenker's of 2001."""

from __future__ import annotations

from copy import copy
from fractions import Fraction
from math import floor

from plctl.common.reference.disciplines.discipline import ADMITTED, AQM, QUEUE_FULL, Line, Surroundings, Waiting
from plctl.common.reference.disciplines.timed import ONE, Timer, below, clamp

ADAPT_NS = 500_000_000
BYTE = 2**20  #: averages are in units of so small a part of a byte
LARGEST = 2**40
WHOLE = 10**6
UNLIMITED = 2**63 - 1


class RED(Line):
    """One queue, from which frames are kept with a probability that grows with its average length."""

    def __init__(self, surroundings: Surroundings) -> None:
        super().__init__(surroundings)
        self.p = surroundings.parameters
        self.timer = Timer(ADAPT_NS, surroundings.t0)
        self.average = 0
        self.aged = 0  #: until when an idle time was taken into the average
        self.low = self.high = 0
        self.most = self.p["probability"] * ONE // WHOLE
        self.count = -1

    def arrive(self, frame: Waiting, now: int) -> int:
        """Dropped, or marked, by chance."""
        self._catch_up(now)
        self._set_thresholds()
        if self._is_idle():
            self._age(now)
        else:
            length = min(sum(each.length for each in self.line), LARGEST) * BYTE
            self.average += floor(Fraction(self.p["weight"], WHOLE) * (length - self.average))
        if not self.has_room(frame.length):
            return QUEUE_FULL
        if self._is_chosen(frame) and not (self.p["ecn"] and self.mark(frame)):
            return AQM
        self.line.append(frame)
        return ADMITTED

    def next(self, now: int) -> Waiting:
        """The oldest."""
        self._catch_up(now)
        return self.line.pop(0)

    def probability(self) -> int:
        """Of a drop at the upper threshold."""
        return self.most

    def average_bytes(self) -> int:
        """The average length."""
        return self.average // BYTE

    def seen_at(self, now: int, *, ticks: bool) -> RED:
        """A copy that has caught up, and whose average has fallen while nothing waited."""
        seen = copy(self)
        seen.timer = copy(self.timer)
        if ticks:
            seen._catch_up(now)
        if seen._is_idle():
            seen._age(now)
        return seen

    def _is_idle(self) -> bool:
        return not self.line and not self.around.serving()

    def _set_thresholds(self) -> None:
        room = min(self.around.room_bytes(), LARGEST)
        self.high = self.p["max"] if self.p["max"] >= 0 else room // 4
        self.low = self.p["min"] if self.p["min"] >= 0 else self.high // 3

    def _age(self, now: int) -> None:
        """As if as many frames had found an empty queue as could have been served in the idle time."""
        idle = now - max(self.aged, self.around.idle_since())
        rate = self.around.rate_at(now)
        self.aged = now
        frames = 2**64 - 1 if rate == UNLIMITED else idle * rate // (8 * 10**9 * self.p["avpkt"])
        self.average = self.average * power(self.p["weight"], min(frames, 2**64 - 1)) // 2**32

    def _is_chosen(self, frame: Waiting) -> bool:
        low, high = self.low * BYTE, self.high * BYTE
        if self.average < low:
            self.count = -1
            return False
        if self.average < high:
            self.count += 1
            p_b = self.most * (self.average - low) // (high - low)
            if self.p["bytemode"]:
                p_b = clamp(p_b * frame.length // self.around.full_frame)
            left = ONE - self.count * p_b
            if left > 0 and not below(self.around.draw(frame.number)[:2], clamp(p_b * ONE // left)):
                return False
        self.count = 0
        return True

    def _catch_up(self, now: int) -> None:
        if not self.p["adaptive"]:
            return
        for tick in self.timer.until(now):
            most, ages = self.most, self._is_idle() and self.average > 0
            if ages:
                self._age(tick)
            self._adapt()
            if most == self.most and not ages:
                break

    def _adapt(self) -> None:
        span = Fraction(self.high - self.low)
        average = Fraction(self.average, BYTE)
        if average > self.low + span * 6 / 10 and self.most <= ONE // 2:
            self.most += min(ONE // 100, self.most // 4)
        elif average < self.low + span * 4 / 10 and self.most >= ONE // 100:
            self.most = self.most * 9 // 10


def power(weight: int, times: int) -> int:
    """(1 − weight)^times in units of 2⁻³², by squaring, every product rounded down."""
    result, base = 2**32, (WHOLE - weight) * 2**32 // WHOLE
    while times and result:
        if times % 2:
            result = result * base // 2**32
        base = base * base // 2**32
        times //= 2
    return result
