"""A curve may be thinned out, but never so that an outlier, a loss or a gap goes unseen."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st
from support.synthetic_run import HANDOVER, HOST, INTERVAL_NS, RUN, half_samples, handover_plan, steady

from plctl.common.base.units import NS_PER_MS, NS_PER_S, RATE_UNLIMITED
from plctl.common.scenario.opportunities import Opportunities
from plctl.common.scenario.schedule import Row, Schedule
from plctl.controller.report.series import MAX_POINTS, asked, measured
from plctl.controller.results.telemetry_file import SCHEMA


def telemetry(intervals: list[int], **columns: list[int]) -> pa.Table:
    """Samples of one direction at the given intervals' ends (in intervals after T0); what is not given is 0."""
    count = len(intervals)
    given_columns: dict[str, list[object]] = {
        "run": [RUN] * count,
        "host": [HOST] * count,
        "link": ["leo-0"] * count,
        "direction": ["up"] * count,
        "interval_ns": [INTERVAL_NS] * count,
        "t_s": [at * INTERVAL_NS / NS_PER_S for at in intervals],
        **{name: list(values) for name, values in columns.items()},
    }
    return pa.table([given_columns.get(name, [0] * count) for name in SCHEMA.names], schema=SCHEMA)


def test_few_samples_are_drawn_as_they_are() -> None:
    """Below the limit, each sample is a point over its own interval."""
    columns = half_samples(handover_plan(), "up", steady(2 * 10**6, 1242), seed=1)
    table = telemetry(
        list(range(1, len(columns["t_ns"]) + 1)),
        **{
            name: values
            for name, values in columns.items()
            if name in SCHEMA.names and name not in ("link", "direction")
        },  # type: ignore[arg-type]  # the rest are numbers
    )
    curves = measured(table, "up")
    assert np.allclose(curves.end_s - curves.start_s, 0.1)
    assert np.allclose(curves.carried_bps[5:40], 2 * 10**6, rtol=0.07)
    assert list(curves.transit_min_ns) == columns["transit_min_ns"]


@given(st.integers(1, 5 * MAX_POINTS), st.data())
def test_thinning_keeps_sums_and_extremes(count: int, data: st.DataObject) -> None:
    """However many samples: no more points than allowed, all drops counted, the smallest and largest still there."""
    at = data.draw(st.integers(0, count - 1))
    spike = [10] * count
    spike[at] = 999
    dip = [10] * count
    dip[at] = 1
    curves = measured(
        telemetry(
            list(range(1, count + 1)),
            dropped_queue_full_packets=spike, lost_late=spike, queue_bytes=spike, lateness_max_ns=spike,
            lateness_p99_ns=spike, transit_p99_ns=spike, transit_min_ns=dip, served_bytes=spike,
        ),
        "up",
    )  # fmt: skip
    assert len(curves.end_s) <= MAX_POINTS
    assert curves.dropped.sum() == curves.lost.sum() == sum(spike)
    for curve in (curves.queue_bytes, curves.lateness_max_ns, curves.lateness_p99_ns, curves.transit_p99_ns):
        assert curve.max() == 999
    assert curves.transit_min_ns.min() == 1
    assert np.isclose(curves.carried_max_bps.max(), 999 * 8 / 0.1)
    assert np.isclose((curves.carried_bps * (curves.end_s - curves.start_s)).sum(), sum(spike) * 8)


def test_an_interval_without_packets_has_no_delay() -> None:
    """−1 in telemetry is no measurement, and is drawn as none."""
    curves = measured(telemetry([1, 2], transit_p50_ns=[-1, 5], lateness_p99_ns=[-1, 7]), "up")
    assert [True, False] == [bool(value) for value in np.isnan(curves.transit_p50_ns)]
    assert [True, False] == [bool(value) for value in np.isnan(curves.lateness_p99_ns)]


def test_no_line_bridges_missing_telemetry() -> None:
    """Between samples that do not adjoin lies a point of nothing that spans the gap."""
    curves = measured(telemetry([1, 2, 7, 8], served_bytes=[100] * 4), "up")
    assert [False, False, True, False, False] == [bool(value) for value in np.isnan(curves.carried_bps)]
    assert np.isclose(curves.start_s[2], 0.2)
    assert np.isclose(curves.end_s[2], 0.6)


def test_other_directions_and_untimed_samples_are_left_out() -> None:
    """What has no place on the time axis, or belongs to the other panel, is not drawn."""
    assert len(measured(telemetry([1, 2]), "down").end_s) == 0
    untimed = telemetry([1, 2]).set_column(SCHEMA.names.index("t_s"), "t_s", pa.array([None, 0.2], pa.float64()))
    assert len(measured(untimed, "up").end_s) == 1


def test_what_was_asked_comes_from_the_schedule_itself() -> None:
    """Every row until the end, exact, with the route changes."""
    steps = asked(HANDOVER, 11.0)
    assert [0, 2.2, 4.6, 8, 10] == list(steps.t_s)
    assert [41 * NS_PER_MS, 41.2 * NS_PER_MS, 37 * NS_PER_MS, 36.7 * NS_PER_MS, 45 * NS_PER_MS] == list(steps.delay_ns)
    assert ((4.6, 1), (10.0, 2)) == steps.route_changes


def test_a_repeated_schedule_is_drawn_repeatedly() -> None:
    """Also the change of route from the last row back to the first is marked."""
    rows = (Row(0, 0, 10, 100), Row(NS_PER_S, 1, 20, RATE_UNLIMITED))
    steps = asked(Schedule(rows, 2 * NS_PER_S), 5.0)
    assert [0, 1, 2, 3, 4, 5] == list(steps.t_s)
    assert [10, 20] * 3 == list(steps.delay_ns)
    assert [1, 0, 1, 0, 1] == [route for _, route in steps.route_changes]
    assert [False, True] * 3 == [bool(value) for value in np.isnan(steps.rate_bps)]


def test_a_long_schedule_is_thinned_out_but_keeps_its_outages() -> None:
    """One row of ten thousand with rate 0 and one with a huge delay are still among the steps."""
    rows = [Row(at * NS_PER_MS, 0, 10, 100) for at in range(10_000)]
    rows[4_321] = Row(4_321 * NS_PER_MS, 0, 10, 0)
    rows[7_654] = Row(7_654 * NS_PER_MS, 0, 10_000, 100)
    steps = asked(Schedule(tuple(rows)), 10.0)
    assert len(steps.t_s) <= 5 * MAX_POINTS
    assert steps.rate_bps.min() == 0
    assert steps.delay_ns.max() == 10_000


def test_opportunities_are_drawn_as_their_means() -> None:
    """Over windows of 100 ms from T0 on, through the periods of the trace, beside the rows' own delays."""
    ms = NS_PER_MS
    trace = Opportunities.of_instants([1 * ms, 100 * ms, 250 * ms], 300 * ms)
    rows = (Row(0, 0, 20 * ms, 77), Row(150 * ms, 0, 30 * ms, 77))
    drawn = asked(Schedule(rows, 0, trace), 0.6)
    assert 0.1 == drawn.window_s
    assert np.allclose([0, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5], drawn.t_s)
    one = 1514 * 8 / 0.1
    assert np.allclose([2 * one, 0, 0, one, 2 * one, 0, one], drawn.rate_bps)
    assert np.allclose([20 * ms, 20 * ms, *[30 * ms] * 5], drawn.delay_ns)
    assert 0 == asked(Schedule(rows), 0.6).window_s
    assert 0.4 == asked(Schedule(rows, 0, trace), 180).window_s


def test_long_runs_have_longer_windows() -> None:
    """So that no more are drawn than can be seen; and what they sum up to is all that there was."""
    trace = Opportunities(b"\x01" * 1000, NS_PER_MS, NS_PER_S)
    drawn = asked(Schedule((Row(0, 0, 0, 1),), 0, trace), 600)
    assert 1.2 == drawn.window_s
    assert np.allclose(12_112_000, drawn.rate_bps)
