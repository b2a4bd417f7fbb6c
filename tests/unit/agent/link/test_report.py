"""What `plctl link start` says about numbers that are known."""

from __future__ import annotations

from dataclasses import replace

from plctl.agent.link.report import count_lost, format_interval, format_short, format_summary
from plctl.common.plan.run_plan import LinkPlan
from plctl.common.scenario.schedule import Row, Schedule
from plctl.common.telemetry.samples import HalfStats, LinkStats, sample

PLAN = LinkPlan("leo", Schedule((Row(0, 0, 41_000_000, 80_000_000),)), Schedule((Row(0, 0, 5_000_000, 1_000_000),)))
NOTHING = LinkStats()
SOME = LinkStats(
    HalfStats(arrived_packets=10, arrived_bytes=15_000, delivered_packets=8, delivered_bytes=12_000, queue_bytes=3000),
    HalfStats(dropped_queue_full_packets=3, lost_ring=1, lost_send=2),
    t0_ns=1_000_000_000,
    started_ns=1_000_000_500,
)


def test_a_line_tells_what_was_asked_for_and_what_happened() -> None:
    """Both directions; rates over the interval's own length; trouble only where there is some."""
    line = format_interval(sample(PLAN, NOTHING, SOME, 2_000_000_000, 500_000_000), 1_000_000_000)
    up, down = line.split(" | ")[1:]
    assert "up 80 Mbit/s, 41 ms: in 240 kbit/s, out 192 kbit/s, queue 3000 B" == up
    assert "down 1 Mbit/s, 5 ms: in 0 bit/s, out 0 bit/s, queue 0 B, dropped 3, LOST BY THIS MACHINE 3" == down
    assert line.startswith("    1.0 s |")


def test_before_the_start_a_line_says_that_it_waits() -> None:
    """There is no scenario time yet."""
    assert format_interval(sample(PLAN, NOTHING, NOTHING, 1, 1), -1).startswith("waiting |")


def test_a_narrow_terminal_gets_a_line_of_its_own() -> None:
    """Carried and asked rates, delays, the fuller queue; what the machine lost comes first and is never cut off."""
    samples = sample(PLAN, NOTHING, SOME, 2_000_000_000, 500_000_000)
    expected = "1.0 s | LOST 3 | up 0.192/80, down 0/1 Mbit/s | 41 5 ms | queue 3 kB | dropped 3"
    assert expected == format_short(samples, 1_000_000_000)


def test_the_line_for_a_narrow_terminal_fits_it() -> None:
    """Also with large numbers: 79 of 80 characters may be used."""
    big = HalfStats(delivered_bytes=123_456_789, queue_bytes=1_234_567, dropped_queue_full_packets=1234)
    samples = sample(PLAN, NOTHING, replace(SOME, up=big, down=big), 2_000_000_000, 1_000_000_000)
    assert 80 > len(format_short(samples, 86_400_000_000_000))
    assert format_short(samples, -1).startswith("waiting | up 988/80, down 988/1 Mbit/s")


def test_the_table_has_a_column_for_each_direction() -> None:
    """And ends with how much scenario time passed."""
    lines = format_summary(SOME, 3_500_000_000).splitlines()
    assert ["client", "→", "server", "server", "→", "client"] == lines[0].split()
    assert "arrived 10 frames, 15 kB 0 frames, 0 B" == " ".join(lines[1].split())
    assert "scenario time: 2.5 s" == lines[-1]


def test_a_table_without_a_start_or_deliveries_claims_neither() -> None:
    """No times where nothing was delivered, no scenario time where none began."""
    text = format_summary(NOTHING, 5)
    assert "scenario time" not in text
    assert ["late,", "worst", "-", "-"] == text.splitlines()[-1].split()


def test_only_the_machines_own_losses_are_counted_as_such() -> None:
    """A full queue is emulated; a full ring, a refused sending and missing memory are not."""
    assert 3 == count_lost(SOME)
    assert 7 == count_lost(replace(SOME, up=HalfStats(lost_memory=4)))
    assert 5 == count_lost(replace(SOME, up=HalfStats(lost_late=2)))
    assert 0 == count_lost(replace(NOTHING, up=HalfStats(dropped_queue_full_packets=9)))
