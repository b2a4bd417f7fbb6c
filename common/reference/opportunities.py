"""Service by delivery opportunities in plain Python: at each instant of a trace so many bytes may leave."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate, count

HEADER = 14  #: bytes of a frame that opportunities do not carry


@dataclass(frozen=True)
class Use:
    """When a service ended, how many opportunities of that instant had been touched, and what was left of the last."""

    end: int
    touched: int
    left: int


class InstantSteps:
    """A trace that starts at T0, and again after each period; before T0 it runs as if from 0."""

    def __init__(self, gaps: bytes, unit: int, period: int, worth: int) -> None:
        self.instants = array("q", (unit * instant for instant in accumulate(_numbers(gaps))))
        self.period = period
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
        for cycle in count(max(0, begin // self.period - 1)):
            base = cycle * self.period
            if begin >= t0 or base >= t0:
                break
            for instant in self._from(begin - base):
                if base + instant >= t0:
                    break
                yield base + instant
        for cycle in count(max(0, (begin - t0) // self.period - 1)):
            base = t0 + cycle * self.period
            for instant in self._from(begin - base):
                yield base + instant

    def _from(self, begin: int) -> Iterator[int]:
        """The instants of a cycle from `begin` on."""
        return (self.instants[place] for place in range(bisect_left(self.instants, begin), len(self.instants)))


def _numbers(data: bytes) -> Iterator[int]:
    """Seven bits of a number in each byte, the lowest first; all bytes of a number but its last have the eighth set."""
    number = shift = 0
    for byte in data:
        number += (byte & 127) << shift
        shift += 7
        if byte < 128:
            yield number
            number = shift = 0
