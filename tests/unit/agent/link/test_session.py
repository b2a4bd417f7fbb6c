"""What a line says of a second was counted in that second."""

from __future__ import annotations

from plctl.agent.link.session import read_dated
from plctl.common.telemetry.samples import LinkStats

MS = 1_000_000


def test_a_reading_that_took_long_is_taken_again() -> None:
    """Nobody knows when in these 30 ms it was; the next one is known to a tenth of one."""
    clock = iter([100 * MS, 130 * MS, 131 * MS, 131 * MS + 100_000])
    readings = iter([LinkStats(t0_ns=1), LinkStats(t0_ns=2)])
    assert (131 * MS + 100_000, LinkStats(t0_ns=2)) == read_dated(lambda: next(readings), lambda: next(clock))


def test_a_machine_that_is_never_quick_gets_its_last_reading() -> None:
    """It is dated as it is, and the line is shown."""
    now = iter(range(0, 1000 * MS, MS))
    numbers = iter(range(1, 1000))
    at_ns, stats = read_dated(lambda: LinkStats(t0_ns=next(numbers)), lambda: next(now))
    assert (20, 39 * MS) == (stats.t0_ns, at_ns)
