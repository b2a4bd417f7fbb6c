"""Notices when a host's own monotonic clock does what no bound allows for: it slept, or it is slewed too fast.

Suspend stops CLOCK_MONOTONIC but not CLOCK_BOOTTIME; a time daemon slews CLOCK_MONOTONIC but not CLOCK_MONOTONIC_RAW.
So each host can see from its own clocks, without any network, that the drift that clock bounds assume is broken.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from plctl.common.base.units import NS_PER_S, format_duration

#: What is left for slewing of the 500 ppm that a clock may be wrong by (see `clock_sync.MAX_DRIFT_PPM`), after the
#: 100 ppm that its quartz may be.
MAX_SLEW_PPM = 400

#: After a disturbance a clock is not relied on for so long: two hosts that talk every two seconds both notice.
QUIET_NS = 5 * NS_PER_S
#: How far apart two samples are to be, so that a slew of a few ppm shows.
_APART_NS = 1 * NS_PER_S
_READINGS = 5


@dataclass(frozen=True, slots=True)
class ClockSample:
    """The three clocks at one instant; they were read within `spread_ns` of each other."""

    monotonic_ns: int
    raw_ns: int
    boottime_ns: int
    spread_ns: int


def sample_clocks() -> ClockSample:
    """The three clocks now: the closest of a few readings."""
    return min((_read_once() for _ in range(_READINGS)), key=lambda sample: sample.spread_ns)


class ClockWatch:
    """Remembers when this host's clock was last disturbed; ask it every second or so, or oftener."""

    def __init__(self, sample: Callable[[], ClockSample] = sample_clocks) -> None:
        self._sample = sample
        self._reference = sample()
        self._cause = ""
        self._disturbed_ns = 0

    def trouble(self) -> str:
        """What disturbed the clock within the last `QUIET_NS`, in words; empty if nothing did."""
        now = self._sample()
        if cause := disturbance(self._reference, now):
            self._cause, self._disturbed_ns, self._reference = cause, now.monotonic_ns, now
        elif now.monotonic_ns - self._reference.monotonic_ns >= _APART_NS:
            self._reference = now
        if now.monotonic_ns - self._disturbed_ns > QUIET_NS:
            self._cause = ""
        return self._cause


def disturbance(before: ClockSample, after: ClockSample) -> str | None:
    """What broke the assumed drift between two samples, in words, or None.

    What the samples' spread could explain is not held against the clock, so a second between them resolves slews to a
    few ppm and less time resolves less.
    """
    doubt_ns = before.spread_ns + after.spread_ns
    passed_ns = after.monotonic_ns - before.monotonic_ns
    slept_ns = after.boottime_ns - before.boottime_ns - passed_ns
    if abs(slept_ns) > doubt_ns:
        return f"this host was suspended for {format_duration(slept_ns)}"
    raw_ns = after.raw_ns - before.raw_ns
    slewed_ns = passed_ns - raw_ns
    if (abs(slewed_ns) - doubt_ns) * 1_000_000 > MAX_SLEW_PPM * raw_ns:
        return (
            f"the time daemon slews this host's clock by {slewed_ns * 1_000_000 // raw_ns} ppm, more than "
            f"{MAX_SLEW_PPM}; wait until it has settled"
        )
    return None


def _read_once() -> ClockSample:
    monotonic = time.clock_gettime_ns(time.CLOCK_MONOTONIC)
    raw = time.clock_gettime_ns(time.CLOCK_MONOTONIC_RAW)
    boottime = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
    return ClockSample(monotonic, raw, boottime, time.clock_gettime_ns(time.CLOCK_MONOTONIC) - monotonic + 1)
