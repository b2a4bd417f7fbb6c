"""Service by delivery opportunities in plain Python: at each instant of a trace so many bytes may leave."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count

HEADER = 14  #: bytes of a frame that opportunities do not carry


@dataclass(frozen=True)
class Use:
    """When a service ended, how many opportunities of that instant had been touched, and what was left of the last."""

    end: int
    touched: int
    left: int


class Opportunities:
    """A trace that starts at T0, and again whenever its last instant has come; before T0 it runs as if from 0."""

    def __init__(self, instants: Sequence[int], worth: int) -> None:
        self.instants = instants
        self.worth = worth

    def use(self, start: int, waited: bool, length: int, before: Use | None, t0: int) -> Use:
        """Of a frame of `length` bytes whose service begins at `start`, after that of the frame `before` it."""
        rest, touched = max(length - HEADER, 1), 0
        if waited and before and before.end == start:
            rest, touched = rest - before.left, before.touched
            if rest <= 0:
                return Use(start, touched, -rest)
        times = self._times(start if waited else start + 1, t0)
        for _ in range(touched):
            next(times)
        end = start
        for time in times:
            touched = touched + 1 if time == end else 1
            end, rest = time, rest - self.worth
            if rest <= 0:
                return Use(end, touched, -rest)
        raise AssertionError("a trace never ends")

    def _times(self, begin: int, t0: int) -> Iterator[int]:
        """All instants from `begin` on, those before T0 first."""
        last = self.instants[-1]
        for cycle in count(max(0, begin // last - 1)):
            if begin >= t0 or cycle * last >= t0:
                break
            for instant in self.instants:
                if begin <= cycle * last + instant < t0:
                    yield cycle * last + instant
        for cycle in count(max(0, (begin - t0) // last - 1)):
            for instant in self.instants:
                if t0 + cycle * last + instant >= begin:
                    yield t0 + cycle * last + instant
