"""A link of a run changes while it runs: the operator hears since when, and everything that is kept agrees with it."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.loopback_cluster import LoopbackCluster, loopback_cluster

from plctl.common.base.units import NS_PER_MS
from plctl.common.plan.link_change import AppliedChange, LinkChange
from plctl.common.protocol.wire import from_plain
from plctl.common.scenario.schedule import DIRECTIONS
from plctl.common.security.enrolment import enroll
from plctl.common.telemetry.packet_log import RECORD
from plctl.controller.packets.replay import replay_log
from plctl.controller.results import telemetry_file
from plctl.controller.results.run_reader import read_events, read_record
from plctl.controller.results.run_record import RunRecord

pytestmark = pytest.mark.timeout(120)

CSV = "Time[ms],RouteID,Delay[ms],Btldr[Mbps]\n0,1,5,8\n3600000,1,20,8\n"
#: A busy machine may be late; what is tested here is that links do as they are told.
SPEC = """
name: live
seed: 3
budget: {lateness: 200ms, skew: 50ms, workload: 2s}
links:
  - name: leo
    scenario: path.csv
    packets: true
    workload:
      - {name: server, at: server, command: [plctl, probe, server, --once], ready: {udp: 8622}}
      - {name: client, at: client, start: 0s,
         command: [plctl, probe, client, "{server}", --both, --rate, 100pps, --size, 200, --duration, 60s]}
"""


@pytest.fixture
def cluster(state: Path, tmp_path: Path, unique: str) -> Iterator[LoopbackCluster]:
    """A controller, and one agent on this machine."""
    assert state.is_dir()
    (tmp_path / "path.csv").write_text(CSV)
    (tmp_path / "live.yaml").write_text(SPEC)
    with loopback_cluster(tmp_path, f"h{unique}") as made:
        yield made


def change(cluster: LoopbackCluster, *options: str) -> AppliedChange:
    """What `plctl set` answers."""
    told = cluster.ask("set", "last", "leo", *options)
    return from_plain(AppliedChange, {key: told[key] for key in ("at_ns", "change", "before", "by")})


def test_a_change_is_in_everything_that_is_kept(cluster: LoopbackCluster) -> None:
    """Its instant and values are in the answer, the log, run.json, telemetry, the report, and the replayed packets."""
    run = cluster.submit(cluster.folder / "live.yaml")
    cluster.until_happened(run, "run.running")
    done = [
        change(cluster, "--delay", "25ms/15ms"),
        change(cluster, "--route", "7", "--rate", "4Mbps", "--loss", "10%", "--hold"),
    ]
    before = (run / "packets" / "leo-up.records").stat().st_size
    assert [LinkChange({"delay_ns": 25 * NS_PER_MS}, {"delay_ns": 15 * NS_PER_MS}), "ada"] == [
        done[0].change,
        done[0].by,
    ]
    assert LinkChange({"delay_ns": 5 * NS_PER_MS}, {"delay_ns": 5 * NS_PER_MS}) == done[0].before
    assert done[0].at_ns < done[1].at_ns
    refused(cluster, ("set", "last", "leo", "--delay", "2h"), "delay is out of range")
    refused(cluster, ("set", "last", "neo", "--delay", "1ms"), "has no link 'neo'; did you mean leo?")
    packets = run / "packets" / "leo-up.records"
    cluster.until(lambda: packets.stat().st_size > before + 200 * RECORD.size)
    assert 0 == cluster.plctl("cancel", "last").returncode
    assert 130 == cluster.plctl("show", "last", "--follow").returncode
    refused(cluster, ("set", "last", "leo", "--delay", "1ms"), "is over")
    record = read_record(run)
    assert tuple(done) == record.links[0].changes
    told = [event for event in read_events(run) if event["event"] == "scenario.changed"]
    assert [each.at_ns for each in done] == [event["at_ns"] for event in told]
    assert "up delay 5 ms → 25 ms; down delay 5 ms → 15 ms" == told[0]["what"]
    assert ["ada", "ada"] == [event["by"] for event in told]
    assert "up delay 5 ms → 25 ms; down delay 5 ms → 15 ms, by ada" in (run / "report.html").read_text()
    assert_telemetry_follows(run, record, done)
    for direction in DIRECTIONS:
        replayed = replay_log(run, record, record.links[0], direction)
        assert replayed.compared > 100, direction
        assert (0, ()) == (replayed.different, replayed.differences), direction


def assert_telemetry_follows(run: Path, record: RunRecord, done: list[AppliedChange]) -> None:
    """What an interval says was asked for is what the changed rows ask for at its end."""
    asked = record.links[0].asked
    t0_ns = record.links[0].planned_ns or 0
    rows = telemetry_file.read(run, record.run, record.t0_by_host()).to_pylist()
    seen = set()
    for row in rows:
        schedule = asked.up if row["direction"] == "up" else asked.down
        at_ns = row["t_ns"] - t0_ns
        expected = schedule.row_at(at_ns)
        if all(abs(at_ns - each.at_ns) > NS_PER_MS for each in done):
            assert (expected.delay_ns, expected.rate_bps) == (row["delay_ns"], row["rate_bps"])
        seen.add((row["direction"], row["delay_ns"], row["rate_bps"], row["row"]))
    assert {("up", 25 * NS_PER_MS, 4_000_000, 2), ("down", 15 * NS_PER_MS, 4_000_000, 2)} <= seen


def refused(cluster: LoopbackCluster, command: tuple[str, ...], cause: str) -> None:
    """The command fails for that cause, and changes nothing."""
    done: subprocess.CompletedProcess[str] = cluster.plctl(*command)
    assert (True, True) == (done.returncode != 0, cause in done.stderr), done.stderr


def test_a_viewer_may_not_change_anything(cluster: LoopbackCluster) -> None:
    """Only operators may: the request has no effect."""
    enroll(cluster.folder / "keys", "eve", "viewer")
    run = cluster.submit(cluster.folder / "live.yaml")
    cluster.until_happened(run, "run.running")
    keys = str(cluster.folder / "keys" / "enrolled" / "eve")
    done = cluster.plctl("set", "last", "leo", "--delay", "1ms", "--keys", keys)
    assert 0 != done.returncode
    assert 0 == cluster.plctl("cancel", "last").returncode
    assert 130 == cluster.plctl("show", "last", "--follow").returncode
    assert () == read_record(run).links[0].changes
    assert json.dumps("scenario.changed") not in (run / "events.jsonl").read_text()
