"""DualPI2, from RFC 9332, appendix A: figures 5 to 10, with the overload handling of appendix A.2."""

from __future__ import annotations

from copy import copy

from plctl.common.reference.disciplines.discipline import ADMITTED, AQM, QUEUE_FULL, Discipline, Surroundings, Waiting
from plctl.common.reference.disciplines.timed import ONE, Timer, below, clamp, pi_change

LONGEST_NS = 1000 * 10**9
WHOLE = 10**6


class DualPI2(Discipline):
    """Two queues under one controller."""

    def __init__(self, surroundings: Surroundings) -> None:
        super().__init__(surroundings)
        self.p = surroundings.parameters
        self.timer = Timer(self.p["tupdate"], surroundings.t0)
        self.low: list[Waiting] = []
        self.classic: list[Waiting] = []
        self.base = 0  #: the RFC's p′, in units of 2⁻⁴⁸
        self.delay = 0
        self._reset_credit()

    def _reset_credit(self) -> None:
        weight = self.p["classic_protection"]
        self.credit = self.around.full_frame * (weight - (WHOLE - weight))

    def arrive(self, frame: Waiting, now: int) -> int:
        """By its ECN field into one of the queues."""
        self._catch_up(now)
        if not self.has_room(frame.length):
            return QUEUE_FULL
        if not self.waiting() and not self.around.serving():
            self._reset_credit()
        (self.low if frame.ecn % 2 else self.classic).append(frame)
        return ADMITTED

    def next(self, now: int) -> Waiting | None:
        """As the scheduler has it, and what the marking and dropping of either queue leaves."""
        self._catch_up(now)
        while self.low or self.classic:
            contended = bool(self.low and self.classic)
            weight = self.p["classic_protection"]
            if self.low and not (self.classic and self.credit > 0):
                frame, change = self.low.pop(0), weight
                passes = self._passes_low(frame, now)
            else:
                frame, change = self.classic.pop(0), weight - WHOLE
                passes = self._passes_classic(frame)
            if passes:
                self.credit += change * frame.length * contended
                return frame
            self.drop(frame, AQM, now)
        return None

    def probability(self) -> int:
        """The base probability."""
        return self.base

    def seen_at(self, now: int, *, ticks: bool) -> DualPI2:
        """A copy that has caught up."""
        seen = copy(self)
        seen.timer = copy(self.timer)
        if ticks:
            seen._catch_up(now)
        return seen

    def _passes_low(self, frame: Waiting, now: int) -> bool:
        words = self.around.draw(frame.number)
        coupled = self.p["coupling_factor"] * self.base
        if coupled >= ONE:
            if below(words[:2], self._squared):
                return False
            probability = ONE
        else:
            probability = ONE if now - frame.arrival > self.p["step_thresh"] else coupled
        if below(words[2:], probability):
            self.mark(frame)
        return True

    def _passes_classic(self, frame: Waiting) -> bool:
        if not below(self.around.draw(frame.number)[:2], self._squared):
            return True
        overload = self._squared >= ONE // self.p["coupling_factor"] ** 2
        return not overload and self.mark(frame)

    @property
    def _squared(self) -> int:
        return self.base**2 // ONE

    def _catch_up(self, now: int) -> None:
        for tick in self.timer.until(now):
            delay, before = max(self._sojourn(self.low, tick), self._sojourn(self.classic, tick)), self.delay
            base = clamp(self.base + pi_change(self.p, delay, before))
            changed = (base, delay) != (self.base, before)
            self.base, self.delay = base, delay
            if not changed and not self.waiting():
                break

    @staticmethod
    def _sojourn(line: list[Waiting], tick: int) -> int:
        return min(tick - line[0].arrival, LONGEST_NS) if line else 0

    def waiting(self) -> list[Waiting]:
        """All that wait."""
        return self.low + self.classic
