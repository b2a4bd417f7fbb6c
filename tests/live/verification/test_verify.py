"""A run and its bundle are checked by an outsider, who finds each thing that was forged; and are run again."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from plctl.controller.results.digests import write_digests
from plctl.controller.verification.verify import verify_run

SPEC = """\
name: proof
seed: 7
duration: 1s
budget: {lateness: 1s, skew: 1s, workload: 1s}
links:
  - name: leo
    scenario: leo.csv
    packets: true
    workload: [{at: client, start: 0s, command: "ping -c 20 -i 0.02 -s 1000 {server}"}]
"""
SCENARIO = "Time[ms],RouteID,Delay[ms],Btldr[Mbps],Loss[%]\n0,0,10,1,0\n300,1,5,2,10\n"


def plctl(*words: str | Path, at: Path) -> subprocess.CompletedProcess[str]:
    """A command of plctl in the folder `at`."""
    command = [sys.executable, "-P", "-m", "plctl.common", *map(str, words)]
    return subprocess.run(command, cwd=at, capture_output=True, text=True, timeout=100, check=False)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one run in `runs`, and its bundle proof.zip."""
    place = tmp_path_factory.mktemp("proof")
    (place / "proof.yaml").write_text(SPEC)
    (place / "leo.csv").write_text(SCENARIO)
    done = plctl("run", "--quiet", "proof.yaml", at=place)
    assert 0 == done.returncode, done.stdout + done.stderr
    bundled = plctl("bundle", "last", "-o", "proof.zip", at=place)
    assert (0, "proof.zip\n") == (bundled.returncode, bundled.stdout), bundled.stderr
    return place


@pytest.fixture
def run(place: Path, tmp_path: Path) -> Path:
    """A copy of the run's folder, to be forged."""
    (original,) = (place / "runs").iterdir()
    return shutil.copytree(original, tmp_path / original.name)


def states(what: Path, at: Path) -> tuple[int, dict[str, tuple[str, str]]]:
    """The exit status of `plctl verify`, and what each check says."""
    done = plctl("verify", what, "--json", at=at)
    (document,) = json.loads(done.stdout)["runs"]
    return done.returncode, {each["name"]: (each["state"], each["says"]) for each in document["checks"]}


def test_an_honest_run_and_its_bundle(place: Path, run: Path, tmp_path: Path) -> None:
    """Nothing is broken, and nothing was left unchecked."""
    for what in (run, place / "proof.zip"):
        status, checks = states(what, tmp_path)
        assert {"holds"} == {state for state, _ in checks.values()}, checks
        assert 0 == status
        assert 9 == len(checks)
    assert [run.name] == [path.name for path in tmp_path.iterdir()]


def flip_a_byte(run: Path) -> None:
    """One bit of telemetry."""
    path = run / "telemetry.parquet"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def swap_the_scenario(run: Path) -> None:
    """Another delay, and digests that fit."""
    (run / "sources" / "leo.csv").write_text(SCENARIO.replace("0,0,10,1,0", "0,0,20,1,0"))
    write_digests(run)


def swap_the_schedule(run: Path) -> None:
    """Rows of the schedule that links followed."""
    (path,) = (run / "schedules").iterdir()
    table = pq.ParquetFile(path).read(use_threads=False)
    at = table.column_names.index("delay_ns")
    pq.write_table(table.set_column(at, "delay_ns", pc.add(table["delay_ns"], 1)), path)
    write_digests(run)


def edit(run: Path, change: Callable[[dict[str, object]], None]) -> None:
    """Change run.json, and make the digests fit."""
    record = json.loads((run / "run.json").read_text())
    change(record)
    (run / "run.json").write_text(json.dumps(record))
    write_digests(run)


def edit_the_verdict(run: Path) -> None:
    """A run that lost frames is called ok."""

    def lose(record: dict[str, object]) -> None:
        record["links"][0]["result"]["up"]["lost_send"] = 3  # type: ignore[index]

    edit(run, lose)


def claim_a_cancellation(run: Path) -> None:
    """A run that nobody cancelled."""

    def claim(record: dict[str, object]) -> None:
        record["verdict"] = record["links"][0]["verdict"] = "cancelled"  # type: ignore[index]

    edit(run, claim)


def forge_the_skew(run: Path) -> None:
    """The link is said to have started at T0 itself."""

    def start(record: dict[str, object]) -> None:
        link = record["links"][0]  # type: ignore[index]
        link["started_ns"] = link["planned_ns"]

    edit(run, start)


def forge_the_bound(run: Path) -> None:
    """The bound alone."""
    edit(run, lambda record: record.update(skew_bound_ns=12))


def edit_telemetry(run: Path) -> None:
    """Frames that nobody delivered."""
    path = run / "telemetry.parquet"
    table = pq.ParquetFile(path).read(use_threads=False)
    at = table.column_names.index("delivered_packets")
    more = pc.add(table["delivered_packets"], 1)
    pq.write_table(table.set_column(at, "delivered_packets", more), path)
    write_digests(run)


def move_a_due_time(run: Path) -> None:
    """One frame, by 1 ns."""
    path = run / "packets" / "leo-up.parquet"
    table = pq.ParquetFile(path).read(use_threads=False)
    due = table["due_ns"].to_pylist()
    first = next(number for number, each in enumerate(due) if each)
    due[first] += 1
    at = table.column_names.index("due_ns")
    moved = table.set_column(at, table.schema.field("due_ns"), pa.array(due, pa.int64()))
    pq.write_table(moved, path)
    write_digests(run)


@pytest.mark.parametrize(
    ("forge", "check", "says"),
    [
        (flip_a_byte, "files", "telemetry.parquet was changed"),
        (swap_the_scenario, "sources", "leo up did not follow what its source says"),
        (swap_the_schedule, "schedules", "has other rows than its name says"),
        (edit_the_verdict, "verdicts", "leo is overloaded by its results, ok by run.json"),
        (claim_a_cancellation, "verdicts", "leo is ok by its results, cancelled by run.json"),
        (forge_the_skew, "start", "ns after T0 by the log, 0 ns by run.json"),
        (forge_the_bound, "start", "gives a skew of at most 0 ns, run.json says 12 ns"),
        (edit_telemetry, "telemetry", "delivered_packets adds up to"),
        (move_a_due_time, "replay", "leo up: 1 frames differ, the first: "),
        (lambda run: (run / "events.jsonl").unlink(), "files", "events.jsonl is gone"),
        (lambda run: (run / "sources" / "more.csv").write_text("x"), "files", "sources/more.csv was added"),
    ],
)
def test_what_was_forged_is_found(forge: Callable[[Path], None], check: str, says: str, run: Path) -> None:
    """Also where the digests were made anew."""
    forge(run)
    checks = {each.name: each for each in verify_run(run)}
    assert "broken" == checks[check].state, checks
    assert says in checks[check].says


def test_something_broken_is_an_exit_status(run: Path, tmp_path: Path) -> None:
    """And a word in the output."""
    flip_a_byte(run)
    done = plctl("verify", run, at=tmp_path)
    assert 1 == done.returncode
    assert "BROKEN      files        telemetry.parquet was changed" in done.stdout
    assert done.stdout.endswith("something is broken: do not rely on it\n")


def test_run_again_from_the_bundle_alone(place: Path, tmp_path: Path) -> None:
    """In an empty folder; what differs is told."""
    bundle = shutil.copy(place / "proof.zip", tmp_path)
    done = plctl("rerun", bundle, at=tmp_path)
    assert 0 == done.returncode, done.stdout + done.stderr
    (again,) = (tmp_path / "reruns").iterdir()
    assert f"again as {Path('reruns') / again.name}:" in done.stdout
    assert (again / "report.html").exists()
    first, second = (
        json.loads((path / "run.json").read_text()) for path in ((place / "runs").glob("*").__next__(), again)
    )
    assert (first["seed"], first["schedules"]) == (second["seed"], second["schedules"])
    assert "verdict" not in done.stdout.split("again as")[1]


def test_a_run_that_goes_on_is_no_bundle(tmp_path: Path, run: Path) -> None:
    """It is said, and nothing is written."""

    def begin(record: dict[str, object]) -> None:
        record["verdict"] = ""

    edit(run, begin)
    done = plctl("bundle", run, "-o", "x.zip", at=tmp_path)
    assert 2 == done.returncode
    assert "is not over yet, or was broken off" in done.stderr
    assert not list(tmp_path.glob("x.zip*"))


@pytest.fixture(autouse=True)
def nothing_left(tmp_path: Path) -> Iterator[None]:
    """Whatever is checked leaves no draft behind."""
    yield
    assert not list(tmp_path.glob("*.tmp"))
