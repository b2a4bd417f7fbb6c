"""Events for people: one line each, and filters that mean what they say."""

from __future__ import annotations

import pytest

from plctl.controller.view.event_text import line, matches

EVENT = {
    "ts": "2026-11-23T04:15:30.000012Z", "t_ns": 77, "host": "edge-1", "link": "leo-0", "event": "link.failed",
    "run": "r", "cause": "cannot move sim-veth1: File exists", "built_ns": 1_500_000, "rate_bps": 8_000_000,
    "queue_bytes": 64_000, "planned_ns": 5, "refused": [], "status": 3,
}  # fmt: skip


def test_a_line_has_when_where_what_why_and_the_facts() -> None:
    """Figures carry units; instants of a monotonic clock and empty facts are left out."""
    expected = (
        "04:15:30.000012  edge-1      leo-0       link.failed         cannot move sim-veth1: File exists"
        "  built 1.5 ms  rate 8 Mbit/s  queue 64 kB  status 3"
    )
    assert expected == line(EVENT)


def test_an_event_without_facts_ends_with_its_name() -> None:
    """No blanks behind it."""
    assert line({"ts": "2026-11-23T04:15:30.000000Z", "event": "run.done"}).endswith("run.done")


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({}, True),
        ({"links": ["leo-*"]}, True),
        ({"links": ["cell-*", "leo-0"], "names": ["link.*"]}, True),
        ({"links": ["leo-*"], "hosts": ["edge-2"]}, False),
        ({"names": ["link"]}, False),
    ],
)
def test_an_event_must_fit_every_kind_of_filter(filters: dict[str, list[str]], expected: bool) -> None:
    """Of one kind any glob will do."""
    assert expected == matches(EVENT, **filters)
