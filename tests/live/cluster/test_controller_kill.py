"""SIGKILL of the controller in any phase of a run: what had been committed ends as if nothing had happened."""

from __future__ import annotations

import math
from contextlib import suppress
from pathlib import Path

import pytest
from support.loopback_cluster import LoopbackCluster, loopback_cluster

from plctl.controller.results import telemetry_file
from plctl.controller.results.run_reader import read_events, read_record
from plctl.controller.results.run_record import RunRecord

LINES = 150
SPEC = f"""
name: survivor
budget: {{lateness: 1s, skew: 1s, workload: 2s}}
links:
  - name: x
    count: 4
    scenario: flat.csv
    workload:
      - {{at: client, start: 0s, command: "for i in $(seq {LINES}); do echo $i; sleep 0.01; done"}}
"""

pytestmark = pytest.mark.timeout(300)


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    """A run of four links, whose workloads write and whose links are sampled all the time, until the writing ends."""
    (tmp_path / "flat.csv").write_text("Time[ms],RouteID,Delay[ms],Btldr[Mbps]\n0,0,1,10\n500,0,2,10\n")
    (tmp_path / "survivor.yaml").write_text(SPEC)
    return tmp_path / "survivor.yaml"


def end_of(controlled: LoopbackCluster, run: Path) -> RunRecord:
    """The record of `run` once the controller says that it is over."""
    log = controlled.folder / "controller.log"
    controlled.until(lambda: any('"run.done"' in line and run.name in line for line in log.read_text().splitlines()))
    (listed,) = [each for each in controlled.ask("runs")["runs"] if each["run"] == run.name]
    assert "done" == listed["phase"]
    record = read_record(run)
    assert record.verdict == listed["verdict"]
    return record


def assert_whole(run: Path, record: RunRecord) -> None:
    """Nothing is missing and nothing is there twice: output, telemetry, events."""
    assert ("ok", "") == (record.verdict, record.cause)
    expected = "".join(f"{number}\n" for number in range(1, LINES + 1))
    for link in record.links:
        assert expected == (run / "artifacts" / link.plan.name / "client.stdout").read_text()
    rows = telemetry_file.read(run, record.run, record.t0_by_host()).to_pylist()
    for link in record.links:
        times = [row["t_ns"] for row in rows if (row["link"], row["direction"]) == (link.plan.name, "up")]
        intervals = [row["interval_ns"] for row in rows if (row["link"], row["direction"]) == (link.plan.name, "up")]
        assert [*zip(times[1:], times, strict=False)] == [
            (t, t - i) for t, i in zip(times[1:], intervals[1:], strict=True)
        ], "a sample is missing or there twice"
    names = [(event["event"], event["link"]) for event in read_events(run)]
    for name in ("link.ready", "link.started", "link.finished"):
        assert len(record.links) == sum(event == name for event, _ in names)
    assert (run / "report.html").exists()


def telemetry_bytes(run: Path) -> float:
    """Return how much telemetry came so far: the parts' bytes; infinity once all is in the one file of the run."""
    size = 0
    with suppress(FileNotFoundError):  # the parts become one file while they are listed
        size = sum(path.stat().st_size for path in (run / "telemetry.parts").iterdir())
    return math.inf if (run / "telemetry.parquet").exists() else size


def kill_at(controlled: LoopbackCluster, spec: Path, event: str) -> tuple[Path, str]:
    """Begin a run, kill the controller at `event`, and start it again; the run, and its last event before that."""
    run = controlled.submit(spec)
    controlled.until_happened(run, event)
    controlled.kill_controller()
    last = [each["event"] for each in read_events(run) if each["event"].startswith("run.")][-1]
    controlled.start_controller()
    return run, last


def test_killed_before_the_start(tmp_path: Path, spec: Path, unique: str, state: Path) -> None:
    """A run that was not committed fails with that cause, and its hosts take everything away."""
    with loopback_cluster(tmp_path, f"{unique}a", f"{unique}b") as controlled:
        for event in ("run.preparing", "run.arming"):
            run, last = kill_at(controlled, spec, event)
            record = end_of(controlled, run)
            if last in ("run.preparing", "run.arming"):
                assert "failed" == record.verdict
                assert "the controller was started again while the run was" in record.cause
            controlled.until(lambda: not list(state.glob("*/survivor*")))
            assert [0, 0] == [agent["links"] for agent in controlled.ask("agents")["agents"]]


def test_killed_again_and_again_after_the_start(tmp_path: Path, spec: Path, unique: str) -> None:
    """The run goes on without a controller; every report arrives once, whichever controller it reaches."""
    with loopback_cluster(tmp_path, f"{unique}a", f"{unique}b") as controlled:
        run = controlled.submit(spec)
        controlled.until_happened(run, "run.running")
        for _ in range(3):
            before = telemetry_bytes(run)
            controlled.kill_controller()
            controlled.start_controller()
            controlled.until(lambda before=before: telemetry_bytes(run) > before or math.isinf(before))
        record = end_of(controlled, run)
        assert_whole(run, record)
        assert None is not record.links[0].skew_ns


def test_killed_around_the_start_and_the_end(tmp_path: Path, spec: Path, unique: str) -> None:
    """Once committed, a run ends well, also while it is taken away or written up; or an agent did not get COMMIT."""
    with loopback_cluster(tmp_path, f"{unique}a", f"{unique}b") as controlled:
        for event in ("run.committed", "run.releasing", "run.done"):
            run, _ = kill_at(controlled, spec, event)
            record = end_of(controlled, run)
            if event == "run.committed" and record.verdict == "failed":
                assert "COMMIT came" in record.cause
            else:
                assert_whole(run, record)


def test_one_journal_has_one_controller(tmp_path: Path, unique: str) -> None:
    """A second controller on the same journal is refused in a sentence, and the first serves on."""
    with loopback_cluster(tmp_path, unique) as controlled:
        second = controlled.plctl(
            *("controller", "--listen", "tcp://127.0.0.1:*", "--keys", str(tmp_path / "keys")),
            *("--runs", str(controlled.runs)),
        )
        assert 2 == second.returncode
        assert f"another controller uses the journal {controlled.runs}/controller.sqlite" in second.stderr
        assert [unique] == [agent["name"] for agent in controlled.ask("agents")["agents"]]
