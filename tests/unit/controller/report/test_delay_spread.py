"""The spread of the delay is what its intervals say: exact at their marks, each interval by its packets."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from plctl.controller.report.delay_spread import draw, spread

MS = 10**6


def interval(
    least: int | None, median: int | None, late: int | None, most: int | None, *, packets: int = 100, asked: int = 10,
    t_s: float = 1.0, direction: str = "up",
) -> dict[str, Any]:  # fmt: skip
    """A row of telemetry; times in ms."""
    marks = dict(zip(("min", "p50", "p99", "max"), (least, median, late, most), strict=True))
    transit = {f"transit_{name}_ns": None if ms is None else ms * MS for name, ms in marks.items()}
    return {"direction": direction, "t_s": t_s, "delivered_packets": packets, "delay_ns": asked * MS, **transit}


def share_at(rows: list[dict[str, Any]], ms: float) -> float:
    """The share of packets that took at most so long."""
    found = spread(pa.Table.from_pylist(rows), "up")
    return float(np.interp(ms * MS, found.delay_ns, found.share))


@pytest.mark.parametrize(("ms", "share"), [(10, 0.0), (20, 0.5), (15, 0.25), (30, 0.99), (40, 1.0), (50, 1.0)])
def test_one_interval_is_exact_at_its_marks(ms: int, share: float) -> None:
    """Least, median, 99th percentile and greatest; in between evenly."""
    assert abs(share - share_at([interval(10, 20, 30, 40)], ms)) < 1e-6


def test_intervals_count_by_their_packets() -> None:
    """Three quarters took 10 ms and a quarter 20 ms: the curve has a step at each."""
    rows = [interval(10, 10, 10, 10, packets=300), interval(20, 20, 20, 20, packets=100, asked=20)]
    assert abs(0.75 - share_at(rows, 15)) < 1e-6
    found = spread(pa.Table.from_pylist(rows), "up")
    assert ([10 * MS, 20 * MS], [0.75, 1.0]) == ([*found.asked_ns], [*found.asked_share])
    assert (10 * MS - 1, 0.0) == (found.delay_ns[0], found.share[0])
    assert (20 * MS, 1.0) == (found.delay_ns[-1], found.share[-1])


def test_what_is_not_of_the_run_is_left_out() -> None:
    """Nothing from before T0, of the other direction, or of an interval in which nothing was delivered."""
    rows = [
        interval(10, 20, 30, 40),
        interval(90, 90, 90, 90, t_s=-1.0),
        interval(90, 90, 90, 90, direction="down"),
        interval(None, None, None, None, packets=0),
    ]
    assert abs(0.99 - share_at(rows, 30)) < 1e-6
    assert 40 * MS == spread(pa.Table.from_pylist(rows), "up").delay_ns[-1]


def test_a_long_run_has_few_points() -> None:
    """So that the page stays small, however many intervals there were; the curve rises all the way."""
    rows = [interval(at, at + 5, at + 9, at + 10) for at in range(3000)]
    found = spread(pa.Table.from_pylist(rows), "up")
    assert 300 < len(found.share) <= 400
    assert np.all(np.diff(found.share) >= 0)
    assert (1.0, 3009 * MS) == (found.share[-1], found.delay_ns[-1])


def test_nothing_is_drawn_of_nothing() -> None:
    """A link that delivered nothing has no plot."""
    empty = spread(pa.Table.from_pylist([interval(None, None, None, None, packets=0)]), "up")
    assert "" == draw({"up": empty, "down": empty}, "leo-0")
