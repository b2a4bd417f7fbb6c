"""The drift that clock bounds assume is watched on each host, because the network alone cannot show it in time."""

from __future__ import annotations

import pytest

from plctl.common.base.units import NS_PER_S
from plctl.common.clocks.watch import QUIET_NS, ClockSample, ClockWatch, disturbance, sample_clocks

BEFORE = ClockSample(1_000 * NS_PER_S, 999 * NS_PER_S, 1_500 * NS_PER_S, 500)


def later(seconds: int = 10, slewed_ns: int = 0, slept_ns: int = 0) -> ClockSample:
    """A sample `seconds` of CLOCK_MONOTONIC_RAW after BEFORE."""
    passed = seconds * NS_PER_S
    monotonic = BEFORE.monotonic_ns + passed + slewed_ns
    return ClockSample(
        monotonic, BEFORE.raw_ns + passed, BEFORE.boottime_ns + passed + slewed_ns + slept_ns, BEFORE.spread_ns
    )


@pytest.mark.parametrize("slewed_ns", [0, 4_000_000, -4_000_000, 4_001_000])
def test_what_bounds_allow_for_is_no_disturbance(slewed_ns: int) -> None:
    """Up to 400 ppm, and what the spread of both samples leaves open, are within the assumption."""
    assert disturbance(BEFORE, later(slewed_ns=slewed_ns)) is None


@pytest.mark.parametrize(("slewed_ns", "ppm"), [(4_002_000, "400 ppm"), (-833_330_000, "-83333 ppm")])
def test_a_fast_slew_is_named(slewed_ns: int, ppm: str) -> None:
    """chronyd after its start slews by up to 83 333 ppm; the sentence says how fast and what to do."""
    found = disturbance(BEFORE, later(slewed_ns=slewed_ns))
    assert found is not None
    assert f"slews this host's clock by {ppm}, more than 400; wait until it has settled" in found


def test_a_suspend_is_named() -> None:
    """CLOCK_BOOTTIME went on for 3 s while CLOCK_MONOTONIC stood."""
    assert "this host was suspended for 3 s" == disturbance(BEFORE, later(slept_ns=3 * NS_PER_S))


def test_the_spread_of_a_sample_is_not_held_against_the_clock() -> None:
    """A sampling that was interrupted explains as much difference as it took."""
    assert disturbance(BEFORE, later(slept_ns=1_000)) is None
    assert disturbance(BEFORE, later(slept_ns=1_001)) is not None


def test_this_machine_samples_its_clocks_closely() -> None:
    """Two samples in a row are in order and show no disturbance."""
    before, after = sample_clocks(), sample_clocks()
    assert before.monotonic_ns < after.monotonic_ns
    assert disturbance(before, after) is None


def test_a_disturbance_is_remembered_for_a_while() -> None:
    """Whoever asks within five seconds hears of it, however often; after that the clock counts as quiet again."""
    samples = [BEFORE, later(1), later(2, slept_ns=NS_PER_S)]
    quiet_s = QUIET_NS // NS_PER_S
    samples += [later(seconds, slept_ns=NS_PER_S) for seconds in (3, 2 + quiet_s, 3 + quiet_s, 60)]
    watch = ClockWatch(iter(samples).__next__)
    slept = "this host was suspended for 1 s"
    assert ["", slept, slept, slept, "", ""] == [watch.trouble() for _ in samples[1:]]


def test_asking_often_hides_no_slew() -> None:
    """A slew that a hundredth of a second cannot show is found, because samples are compared a second apart."""
    blurred = 100_000
    samples = [
        ClockSample(BEFORE.monotonic_ns + ms * 1_001_000, BEFORE.raw_ns + ms * 1_000_000, ms * 1_001_000, blurred)
        for ms in range(0, 2000, 10)
    ]
    watch = ClockWatch(iter(samples).__next__)
    assert any("slews this host's clock by 1000 ppm" in watch.trouble() for _ in samples[1:])
