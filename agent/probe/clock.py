"""Turns the kernel's receive timestamps (CLOCK_REALTIME) into CLOCK_MONOTONIC; notices when the wall clock is set.

The two clocks run at one rate (NTP slews both alike), so their difference changes only when somebody sets the clock.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from pathlib import Path

#: A change of the difference beyond this, and beyond the reading's own uncertainty, is a step.
_STEP_NS = 10_000

#: Reads (CLOCK_MONOTONIC, CLOCK_REALTIME, CLOCK_MONOTONIC), nanoseconds.
ReadClocks = Callable[[], tuple[int, int, int]]


def read_clocks() -> tuple[int, int, int]:
    """The machine's clocks: the wall clock between two readings of the monotonic one."""
    return time.monotonic_ns(), time.time_ns(), time.monotonic_ns()


class ArrivalClock:
    """The difference wall − monotonic, as good as the tightest pair of readings so far.

    :param read: the clocks; tests hand in their own.
    """

    def __init__(self, read: ReadClocks = read_clocks) -> None:
        self._read = read
        self.steps: list[int] = []  #: by how many nanoseconds the wall clock was set, each time that it was
        self._offset_ns, self._width_ns = min((self._measure() for _ in range(5)), key=lambda each: each[1])

    def check(self) -> bool:
        """False if the wall clock was stepped since the last call; from then on the new difference holds."""
        offset_ns, width_ns = self._measure()
        stepped = abs(offset_ns - self._offset_ns) > _STEP_NS + width_ns + self._width_ns
        if stepped:
            self.steps.append(offset_ns - self._offset_ns)
        if stepped or width_ns < self._width_ns:
            self._offset_ns, self._width_ns = offset_ns, width_ns
        return not stepped

    def to_monotonic(self, wall_ns: int) -> int:
        """The monotonic time of the instant that the wall clock called `wall_ns`."""
        return wall_ns - self._offset_ns

    def _measure(self) -> tuple[int, int]:
        before_ns, wall_ns, after_ns = self._read()
        return wall_ns - (before_ns + after_ns) // 2, after_ns - before_ns


def machine_id() -> int:
    """64 bits that two processes share only if they read one CLOCK_MONOTONIC: same boot, same time namespace.

    Bits of a hash, so that nothing about the machine is told.
    """
    boot = Path("/proc/sys/kernel/random/boot_id").read_bytes()
    clocks = Path("/proc/self/ns/time")
    namespace = str(clocks.readlink()).encode() if clocks.exists() else b""
    return int.from_bytes(hashlib.blake2b(boot + namespace, digest_size=8).digest(), "big")
