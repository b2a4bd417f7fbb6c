"""The log of a real run's packets, and the proof that the run was true: the reference replays it to the nanosecond."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from model.reference import Reference

from plctl.agent.native import half_arguments
from plctl.common.messages import DirectionResult
from plctl.common.plan import DIRECTIONS, Direction, LinkPlan
from plctl.common.units import NS_PER_MS
from plctl.controller import packet_file
from plctl.controller.results import read_record
from plctl.controller.run_record import LinkRecord, RunRecord

PLCTL = [sys.executable, "-m", "plctl.common"]

#: Rates rise and fall, service stands still for 200 ms, the route changes to another and back.
SCENARIO = """Time[ms],RouteID,Delay[ms],Btldr[Mbps]
0,7,15,4
400,7,3,2.5
700,7,3,0
900,2,40,6
1300,7,2,1.7
1500,7,12,3.3
"""
PACKETS = 500
SPEC = """
name: proof
links:
{links}
"""
LINK = """
  - name: {mode}
    scenario: path.csv
    packets: true
    overhead: 24
    queue: {{capacity: {capacity}}}
    reconfiguration: {{delay: 35.5ms, mode: {mode}}}
    workload:
      - {{at: server, command: [plctl, probe, server, --once], ready: {{udp: 8622}}}}
      - {{at: client, command: "plctl probe client {{server}} --rate 280pps --count {count} --both", start: 0s}}
"""


@dataclass(frozen=True)
class Run:
    """A finished run and its folder."""

    folder: Path
    record: RunRecord


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Two links through the scenario, one for each kind of reconfiguration, with more traffic than the path carries."""
    links = (("gsl", "12p"), ("all", "0.5bdp"))
    text = "".join(LINK.format(mode=mode, capacity=capacity, count=PACKETS) for mode, capacity in links)
    (tmp_path / "path.csv").write_text(SCENARIO)
    (tmp_path / "proof.yaml").write_text(SPEC.format(links=text))
    finished = subprocess.run(
        [*PLCTL, "run", "proof.yaml", "--json"], cwd=tmp_path, capture_output=True, text=True, timeout=100, check=False
    )
    assert finished.stdout, finished.stderr
    (folder,) = (tmp_path / "runs").iterdir()
    return Run(folder, read_record(folder))


def packets_of(run: Run, link: LinkRecord, direction: Direction) -> list[dict[str, Any]]:
    """The log as rows, in order of arrival."""
    table = packet_file.read(run.folder, run.record, link, direction)
    assert 0 == packet_file.footer(table)["lost"]
    rows: list[dict[str, Any]] = table.to_pylist()
    return rows


def replay(plan: LinkPlan, direction: Direction, t0_ns: int, log: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    """What the reference makes of the same arrivals: (verdict, start, end, due) of each."""
    reference = Reference(**half_arguments(plan, getattr(plan, direction)))
    reference.arm(t0_ns)
    verdicts = []
    for packet in log:
        verdict, arrival = reference.arrive(packet["arrival_ns"], packet["length"] + plan.overhead_bytes)
        assert packet["arrival_ns"] == arrival
        verdicts.append(verdict)
    last_ns = max(packet["sent_ns"] for packet in log)
    served = {number: times for number, _, *times in reference.pop(last_ns)}
    return [(verdict, *served.get(number, (0, 0, 0))) for number, verdict in enumerate(verdicts)]


def test_the_log_is_complete_and_the_reference_agrees_with_it_to_the_nanosecond(run: Run) -> None:
    """Every packet of a real run has a record, and the Python model, fed with the same arrivals, says the same of each.

    The same verdict, start, end and due time, on both links and in both directions, through rate changes, an outage,
    route changes with a blackout, and drops.
    """
    for link in run.record.links:
        assert link.planned_ns is not None
        for direction in DIRECTIONS:
            log = packets_of(run, link, direction)
            assert_complete(log, getattr(link.result, direction))
            assert_went_through_everything(link.plan, log)
            logged = [(int(p["verdict"] != "admitted"), p["start_ns"], p["end_ns"], p["due_ns"]) for p in log]
            assert replay(link.plan, direction, link.planned_ns, log) == logged


def assert_complete(log: list[dict[str, Any]], counted: DirectionResult) -> None:
    """One record for each packet, in order of arrival, adding up to what the run's record says."""
    assert list(range(1, len(log) + 1)) == [packet["number"] for packet in log]
    assert all(a["arrival_ns"] <= b["arrival_ns"] for a, b in pairwise(log))
    verdicts = Counter(packet["verdict"] for packet in log if packet["t_s"] >= 0)
    assert {"admitted": counted.delivered_packets, "queue_full": counted.dropped_queue_full_packets} == verdicts
    assert verdicts.total() > PACKETS
    assert 0 == counted.packet_log_lost


def assert_went_through_everything(plan: LinkPlan, log: list[dict[str, Any]]) -> None:
    """The traffic met what the scenario has: both routes, the outage, and blackouts that hold what is in flight."""
    served = [p for p in log if p["verdict"] == "admitted"]
    assert all(p["sent_ns"] >= p["due_ns"] >= p["end_ns"] > p["start_ns"] >= p["arrival_ns"] for p in served)
    assert {7, 2} == {p["route"] for p in served}
    assert max(p["end_ns"] - p["start_ns"] for p in served) > 200 * NS_PER_MS
    longest_ns = max(row.delay_ns for row in plan.up.rows)
    assert any(p["due_ns"] - p["end_ns"] > longest_ns for p in served)
