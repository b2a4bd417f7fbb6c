"""run.json is the format that reviewers rely on: it must survive the round trip and judge from what it holds."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from support.synthetic_run import HOST, T0_NS, WALL_NS, handover_plan, plan_record, quiet_ends

from plctl.common.base.errors import ProtocolError
from plctl.common.base.units import NS_PER_MS
from plctl.common.plan.run_plan import Workload
from plctl.common.protocol.messages import DirectionResult, LinkResult, LinkStart, WorkloadResult
from plctl.common.telemetry.witness import WorkerWatch
from plctl.controller.results.run_record import (
    HostRecord,
    RunRecord,
    finished,
    from_json,
    rfc3339,
    software_versions,
    started,
    to_json,
)

QUIET = DirectionResult(9, 900, 9, 900, lateness_p50_ns=5_000, lateness_p99_ns=9_000, lateness_max_ns=20_000)
FAILED = WorkloadResult("client", "client", 1, "exit status 1", T0_NS, T0_NS)
RECORD = plan_record((handover_plan("leo-0"), handover_plan("leo-1")))


def ran(bound_ns: int = 0, late_start_ns: int = 0) -> RunRecord:
    """The record after T0."""
    starts = [LinkStart("leo-0", T0_NS, T0_NS + late_start_ns), LinkStart("leo-1", T0_NS, T0_NS + 1)]
    return started(RECORD, T0_NS, WALL_NS, starts, [HostRecord(HOST, bound_after_ns=bound_ns)])


def judged(record: RunRecord, *results: LinkResult, cancelled: bool = False, **failures: str) -> RunRecord:
    """The record at the end."""
    named = {name.replace("_", "-"): cause for name, cause in failures.items()}
    return finished(record, results, failures=named, cancelled=cancelled, finished_utc="")


def both(**changes: object) -> tuple[LinkResult, LinkResult]:
    """Results of two quiet links, the first with `changes`."""
    watch = WorkerWatch(T0_NS, T0_NS + 10**9, passes=9, greatest_gap_ns=1)
    quiet = LinkResult("leo-0", QUIET, QUIET, worker=watch, interfaces=quiet_ends(T0_NS, T0_NS + 10**9))
    return replace(quiet, **changes), replace(quiet, link="leo-1")  # type: ignore[arg-type]  # real fields are named


def test_a_record_survives_the_round_trip_through_json() -> None:
    """Every field, nested ones too, is read back as it was written."""
    record = judged(ran(), *both(workloads=(FAILED,)))
    assert record == from_json(to_json(record))


def test_the_bound_on_the_skew_is_stated() -> None:
    """Two links of one host are compared by its clock; it is said to be unknown if a clock or a start is."""
    assert 7 * NS_PER_MS - 1 == ran(bound_ns=5, late_start_ns=7 * NS_PER_MS).skew_bound_ns
    assert -1 == ran(bound_ns=-1).skew_bound_ns
    hosts = [HostRecord(HOST, bound_after_ns=0)]
    assert -1 == started(RECORD, T0_NS, WALL_NS, [LinkStart("leo-0", T0_NS, 0)], hosts).skew_bound_ns


def test_the_bound_after_the_start_is_the_better_informed() -> None:
    """It rests on readings before and after; only where it is missing does the one before count."""
    assert [3, 9, 0] == [HostRecord(HOST, bound_before_ns=9, bound_after_ns=after).bound_ns for after in (3, -1, 0)]


def test_quiet_links_are_ok() -> None:
    """Nothing wrong: the run and its links are ok."""
    record = judged(ran(), *both())
    assert ["ok", "ok", "ok"] == [record.verdict, *(link.verdict for link in record.links)]


@pytest.mark.parametrize(
    ("change", "verdict", "cause"),
    [
        ({"cause": "forwarder died"}, "failed", "forwarder died"),
        ({"workloads": (FAILED,)}, "failed", "client: exit status 1"),
        ({"up": replace(QUIET, lost_ring=2)}, "overloaded", "2 frames up"),
        ({"down": replace(QUIET, lateness_p99_ns=2 * NS_PER_MS)}, "late", "p99 2 ms"),
    ],
)
def test_what_an_agent_reports_decides_the_verdict(change: dict[str, object], verdict: str, cause: str) -> None:
    """Each kind of finding reaches its link and the run."""
    record = judged(ran(), *both(**change))
    assert [verdict, verdict, "ok"] == [record.verdict, *(link.verdict for link in record.links)]
    assert cause in record.links[0].cause
    assert "leo-0" in record.cause


def test_skew_counts_the_clock_bound() -> None:
    """A start within its budget is skewed if the clock may be off by the rest."""
    assert judged(ran(bound_ns=900_000, late_start_ns=50_000), *both()).verdict == "ok"
    assert judged(ran(bound_ns=960_000, late_start_ns=50_000), *both()).verdict == "skewed"


def test_a_link_without_a_result_has_failed_unless_cancelled() -> None:
    """Silence of a host is never ok."""
    _, other = both()
    assert judged(ran(), other).links[0].cause == f"no result came from its host {HOST}"
    assert judged(ran(), other, leo_0="agent lost").links[0].cause == "agent lost"
    assert judged(ran(), cancelled=True).verdict == "cancelled"


def test_a_link_that_waits_for_traffic_is_not_held_to_t0() -> None:
    """It is ok once traffic came, whenever that was, and failed if none ever did."""
    waiting = replace(RECORD.links[0], plan=replace(RECORD.links[0].plan, start="first-packet"))
    record = replace(ran(), links=(waiting,))
    triggered = [replace(result, scenario_start_ns=5) for result in both()]
    assert judged(record, *triggered).verdict == "ok"
    assert "no packet came" in judged(record, *both()).cause


def test_wall_time_is_rfc_3339_utc_with_microseconds() -> None:
    """Log readers parse it everywhere."""
    assert rfc3339(WALL_NS + 1_500) == "2026-11-23T04:15:30.000001Z"


def test_versions_name_what_made_the_numbers() -> None:
    """plctl, Python, the kernel and the libraries are all there."""
    assert {"plctl", "python", "kernel", "pyarrow"} <= software_versions().keys()


def test_the_record_says_what_each_verdict_rests_on() -> None:
    """Every link has its certificate, also one that is ok, and the run says what none of them can see."""
    record = judged(ran(), *both(from_ns=1, until_ns=9))
    assert all({"agent", "losses", "lateness"} <= {each.witness for each in k.certificate} for k in record.links)
    assert {(1, 9)} == {(s.from_ns, s.until_ns) for s in record.links[0].certificate if s.witness == "losses"}
    assert record.unseen


def test_a_record_without_a_certificate_is_read() -> None:
    """Folders of earlier versions stay readable."""
    plain = json.loads(to_json(judged(ran(), *both())))
    del plain["unseen"]
    for link in plain["links"]:
        del link["certificate"]
    record = from_json(json.dumps(plain))
    assert ["ok", ()] == [record.verdict, record.links[0].certificate]


@pytest.mark.parametrize("name", ["../../secret", "/etc", ""])
def test_a_record_whose_names_lead_out_of_its_folder_is_none(name: str) -> None:
    """Anybody may have written it, and output and packet logs are found by its names of links and workloads."""
    record = ran()
    first, *others = record.links
    workload = replace(first.plan, workloads=(Workload(name, "client", ("true",)),))
    for plan in (replace(first.plan, name=name), workload):
        text = to_json(replace(record, links=(replace(first, plan=plan), *others)))
        with pytest.raises(ProtocolError, match="would lead out of the folder"):
            from_json(text)
    with pytest.raises(ProtocolError, match="would lead out of the folder"):
        from_json(to_json(replace(record, run=name)))
