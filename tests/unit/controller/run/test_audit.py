"""What an agent may report: its own, of the run's time, free of contradictions, and no more than it can need."""

from __future__ import annotations

from dataclasses import replace

import pytest

from plctl.common.base.clock import FakeClock
from plctl.common.base.errors import ProtocolError
from plctl.common.base.units import NS_PER_MS, NS_PER_S
from plctl.common.plan.run_plan import LinkPlan, RunPlan, Workload
from plctl.common.protocol import messages as m
from plctl.common.scenario.schedule import Row, Schedule
from plctl.common.telemetry.samples import HalfStats, LinkStats, Samples, sample
from plctl.common.telemetry.socket_stats import SocketSamples
from plctl.controller.run import audit
from plctl.controller.run.audit import CLOCK_SLACK_NS, QuotaError, RunAudit

SCHEDULE = Schedule((Row(0, 0, 1, 1),))
PLAN = LinkPlan("x", SCHEDULE, SCHEDULE, workloads=(Workload("w", "client", ("true",)),), packets=True)
PLANS = {"a": RunPlan("r", 1, (PLAN,)), "b": RunPlan("r", 1, (replace(PLAN, name="y", packets=False),))}
#: Host a's clock is so far behind the controller's.
OFFSET_NS = 500 * NS_PER_S


class Desk:
    """An audit on a clock that a test moves."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.audit = RunAudit(PLANS, self.clock)
        self.began_ns = self.clock.monotonic_ns()

    def rows(self, after_ns: int, arrived: int = 0, interval_ns: int = 100 * NS_PER_MS) -> Samples:
        """Telemetry of link x, an interval that ends so long after the run began, in which frames arrived."""
        after = LinkStats(up=HalfStats(arrived_packets=arrived, arrived_bytes=100 * arrived))
        at_ns = self.began_ns + after_ns - OFFSET_NS
        return Samples.of(sample(PLAN, LinkStats(), after, at_ns, interval_ns))

    def take(self, samples: Samples) -> None:
        """Host a reports it."""
        self.audit.check_telemetry("a", samples, OFFSET_NS)


@pytest.fixture
def desk() -> Desk:
    """A run that has just begun."""
    return Desk()


def test_what_an_honest_agent_reports_is_believed(desk: Desk) -> None:
    """Rows that follow each other, events of its own link, output, packets, and a result that is their sum."""
    desk.clock.advance(NS_PER_S)
    for number in range(1, 6):
        desk.take(desk.rows(number * 100 * NS_PER_MS, arrived=3))
    desk.audit.check_events("a", [{"event": "link.built", "link": "x", "t_ns": desk.began_ns}])
    desk.audit.check_artifact("a", "x", "qlog/client.qlog", 100)
    desk.audit.check_packets("a", "x", 64)
    up = m.DirectionResult(arrived_packets=15, arrived_bytes=1500)
    result = m.LinkResult("x", up, m.DirectionResult(), from_ns=1, until_ns=desk.began_ns - OFFSET_NS)
    desk.audit.check_result("a", m.Finished((result,)), {"x": desk.began_ns - OFFSET_NS}, desk.began_ns)


@pytest.mark.parametrize(
    ("after_ns", "cause"),
    [
        (CLOCK_SLACK_NS + 1, "from the future, 1 ns beyond doubt"),
        (-CLOCK_SLACK_NS - 1, "from before the run, 1 ns too"),
    ],
)
def test_times_outside_the_run_are_not_believed(desk: Desk, after_ns: int, cause: str) -> None:
    """A minute is what clocks may be apart, on either side; the host's offset is reckoned with."""
    desk.take(desk.rows(after_ns - 1 if after_ns > 0 else after_ns + 1))
    with pytest.raises(ProtocolError, match=cause):
        Desk().take(desk.rows(after_ns))


def test_an_interval_is_reported_once(desk: Desk) -> None:
    """Rows of a direction neither overlap nor go back, within a batch or between two."""
    desk.take(desk.rows(NS_PER_S))
    for after_ns in (NS_PER_S, NS_PER_S + 50 * NS_PER_MS, NS_PER_S // 2):
        with pytest.raises(ProtocolError, match="one interval twice"):
            desk.take(desk.rows(after_ns))
    desk.take(desk.rows(NS_PER_S + 100 * NS_PER_MS))


def test_a_result_that_telemetry_contradicts_is_not_believed(desk: Desk) -> None:
    """Telemetry may lack rows, but it cannot have told of more frames than there were in all."""
    desk.take(desk.rows(NS_PER_S, arrived=10))
    nothing = m.DirectionResult()
    fewer = m.LinkResult("x", m.DirectionResult(arrived_packets=9, arrived_bytes=10**6), nothing)
    with pytest.raises(ProtocolError, match="arrived_packets is 9, of which 10 were told before"):
        desk.audit.check_result("a", m.Finished((fewer,)), {}, 0)


@pytest.mark.parametrize(
    ("half", "cause"),
    [
        (m.DirectionResult(arrived_packets=-1), "arrived_packets is -1"),
        (m.DirectionResult(delivered_packets=1), "more frames left than had arrived"),
        (m.DirectionResult(lateness_p50_ns=9, lateness_p99_ns=8, lateness_max_ns=10), "not in that order"),
        (m.DirectionResult(late_packets=2, lateness_packets=1), "more frames were late than were timed"),
    ],
)
def test_a_result_that_contradicts_itself_is_not_believed(desk: Desk, half: m.DirectionResult, cause: str) -> None:
    """In either direction."""
    for up, down in ((half, m.DirectionResult()), (m.DirectionResult(), half)):
        with pytest.raises(ProtocolError, match=cause):
            desk.audit.check_result("a", m.Finished((m.LinkResult("x", up, down),)), {}, 0)


def test_what_was_not_asked_for_and_what_is_anothers_is_refused(desk: Desk) -> None:
    """Packets, sockets, and links; an event that only the controller writes; a link twice in a result."""
    none = dict.fromkeys(SocketSamples.of(()).columns, b"")
    event = {"event": "link.built", "link": "y", "t_ns": desk.began_ns}
    twice = m.Finished((m.LinkResult("x", m.DirectionResult(), m.DirectionResult()),) * 2)
    for refused, cause in (
        (lambda: desk.audit.check_packets("b", "y", 64), "packet log of link y, which the run does not ask for"),
        (lambda: desk.audit.check_sockets("a", SocketSamples((), none), 0), "which the run does not ask for"),
        (lambda: desk.audit.check_artifact("b", "x", "out", 1), "'x', which is not its own"),
        (lambda: desk.audit.check_events("a", [event]), "'y', which is not its own"),
        (lambda: desk.audit.check_events("a", [event | {"event": "run.done", "link": ""}]), "the controller's to tell"),
        (lambda: desk.audit.check_events("a", [event | {"event": "e\x1b[31m.x"}]), "an event that is called"),
        (lambda: desk.audit.check_events("a", [event | {"link": "x", "t_ns": 2**62}]), "years from now|from now"),
        (lambda: desk.audit.check_result("a", twice, {}, 0), "twice"),
    ):
        with pytest.raises(ProtocolError, match=cause):
            refused()


def test_nobody_takes_more_than_it_can_need(desk: Desk) -> None:
    """Rows, events, files, output and packets of one agent are bounded by time and plan; a quota says what it was."""
    with pytest.raises(QuotaError, match=r"more events than the 10064 that any honest agent"):
        desk.audit.check_events("a", [{"event": "link.built", "t_ns": desk.began_ns}] * 10_065)
    with pytest.raises(QuotaError, match=r"more bytes of output of link x than the 808\.452 MB"):
        desk.audit.check_artifact("a", "x", "out", 3 * audit.OUTPUT_BYTES + 1)
    with pytest.raises(QuotaError, match="more bytes of packet logs"):
        desk.audit.check_packets("a", "x", audit.PACKET_BYTES + 1)
    for number in range(audit.FILES + 2):
        desk.audit.check_artifact("b", "y", f"f{number}", 0)
    with pytest.raises(QuotaError, match="more files of link y than the 1102"):
        desk.audit.check_artifact("b", "y", "another", 0)
    for number in range(68):
        desk.take(desk.rows(number + 1, interval_ns=1))
    with pytest.raises(ProtocolError, match="more telemetry of one link than the 68 rows"):
        desk.take(desk.rows(100, interval_ns=1))
    for name in ("n" * 256, "/".join("d" * 1100)):
        with pytest.raises(ProtocolError, match="a longer name than a file may have"):
            desk.audit.check_artifact("a", "x", name, 1)


def test_what_may_be_taken_grows_with_time(desk: Desk) -> None:
    """An agent that was cut off for an hour sends all of it at once."""
    desk.clock.advance(3600 * NS_PER_S)
    for number in range(1000):
        desk.take(desk.rows(3 * NS_PER_S + number * 100 * NS_PER_MS))
    desk.audit.check_events("a", [{"event": "link.built", "t_ns": desk.began_ns}] * 10_065)
