"""A link that is served by delivery opportunities sends at the instants of its trace, and no byte more or less."""

from __future__ import annotations

import random
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from plctl.common.base.units import NS_PER_MS
from plctl.common.plan.half_arguments import half_arguments
from plctl.common.reference.half import Reference
from plctl.common.scenario.opportunities import FULL_FRAME_BYTES, Opportunities
from plctl.common.scenario.schedule import DIRECTIONS, Direction
from plctl.controller.results import packet_file
from plctl.controller.results.run_reader import read_record
from plctl.controller.results.run_record import LinkRecord, RunRecord

pytestmark = pytest.mark.undisturbed

PLCTL = [sys.executable, "-m", "plctl.common"]
WINDOW_NS = 100 * NS_PER_MS
FRAMES = 800  #: as many as the reference can follow in seconds
SPEC = """
name: saturated
duration: 3s
links:
  - name: lte
    scenario: {up: drive.up, down: drive.down}
    reader: {format: mahimahi, delay: 20ms}
    service: opportunities
    bytes: 1500
    packets: true
    queue: {capacity: 60kB}
    workload:
      - {at: server, command: [plctl, probe, server, --once], ready: {udp: 8622}}
      - at: client
        command: plctl probe client {server} --rate 2500pps --size 1472 --duration 2900ms --both
        start: 0s
"""


def drive(seed: int, ms: int) -> Iterator[int]:
    """Stamps as of a drive: a rate that wanders up to 20 Mbit/s, bursts within a millisecond, and 250 ms of nothing."""
    rng = random.Random(seed)
    level = 1.0
    for at in range(1, ms + 1):
        level = min(2.0, max(0.1, level + rng.gauss(0, 0.05)))
        burst = 15 if at % 97 == 0 else 0
        silent = 800 <= at < 1050
        yield from [at] * (0 if silent else burst + (rng.random() < level) + (rng.random() < level - 1))
    yield ms


@pytest.fixture(scope="module")
def record(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, RunRecord]:
    """A finished run with more traffic than its traces let through: one is longer than the run, one begins again."""
    folder = tmp_path_factory.mktemp("saturated")
    (folder / "drive.up").write_text("".join(f"{at}\n" for at in drive(1, 1700)))
    (folder / "drive.down").write_text("".join(f"{at}\n" for at in drive(2, 5000)))
    (folder / "spec.yaml").write_text(SPEC)
    done = subprocess.run(
        [*PLCTL, "run", "spec.yaml", "--json"], cwd=folder, capture_output=True, text=True, timeout=100, check=False
    )
    assert done.stdout, done.stderr
    (run,) = (folder / "runs").iterdir()
    return run, read_record(run)


def log_of(run: tuple[Path, RunRecord], direction: Direction) -> tuple[LinkRecord, list[dict[str, Any]]]:
    """The link, and a row for each of its frames."""
    folder, record = run
    (link,) = record.links
    table = packet_file.read(folder, record, link, direction)
    assert 0 == packet_file.footer(table)["lost"]
    rows: list[dict[str, Any]] = table.to_pylist()
    return link, rows


def windows(instants_ns: Iterator[int]) -> Counter[int]:
    """How many there are in each window, which has its end and not its begin."""
    return Counter((at - 1) // WINDOW_NS for at in instants_ns)


def allowed(trace: Opportunities, until_ns: int) -> Counter[int]:
    """The same of a trace that begins at 0."""
    return windows(at for piece in trace.within(0, until_ns) for at in piece if at)


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_every_window_has_what_the_trace_allows(record: tuple[Path, RunRecord], direction: Direction) -> None:
    """As long as frames wait, so many leave in each 100 ms as there are opportunities; also when it begins again."""
    link, rows = log_of(record, direction)
    trace: Opportunities = getattr(link.plan, direction).opportunities
    assert link.planned_ns is not None
    t0_ns = link.planned_ns
    served = [row for row in rows if row["end_ns"] and row["end_ns"] > t0_ns]
    busy_from, busy_until = _busy(rows, t0_ns)
    found = windows(row["end_ns"] - t0_ns for row in served if row["length"] == FULL_FRAME_BYTES)
    expected = allowed(trace, busy_until)
    whole = range(-(-busy_from // WINDOW_NS), busy_until // WINDOW_NS)
    assert len(whole) > 20
    assert [expected[place] for place in whole] == [found[place] for place in whole]
    assert 0 in [expected[place] for place in whole], "there was a window without an opportunity"


def _busy(rows: list[dict[str, Any]], t0_ns: int) -> tuple[int, int]:
    """Since T0: from the first to the last of the frames that found the queue full; between them it never was empty."""
    full = [row["arrival_ns"] - t0_ns for row in rows if row["verdict"] == "queue_full"]
    return full[0], full[-1]


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_the_reference_says_the_same_of_each_frame(record: tuple[Path, RunRecord], direction: Direction) -> None:
    """Given the same arrivals: admitted or not, and when its service ended, to the nanosecond."""
    link, rows = log_of(record, direction)
    reference = Reference(**half_arguments(link.plan, direction, record[1].seed))
    assert link.planned_ns is not None
    reference.arm(link.planned_ns)
    fed = rows[:FRAMES]
    for row in fed:
        verdict, _ = reference.arrive(row["arrival_ns"], row["length"])
        assert (verdict == 0) == (row["verdict"] == "admitted")
    expected = {number: (end, due) for number, _, _, end, due in reference.pop(fed[-1]["arrival_ns"])}
    assert len(expected) > FRAMES // 8
    assert expected == {number: (fed[number]["end_ns"], fed[number]["due_ns"]) for number in expected}
    assert {"admitted", "queue_full"} == {row["verdict"] for row in fed}


def test_the_run_says_what_it_was_served_by(record: tuple[Path, RunRecord]) -> None:
    """The trace lies in the run's folder, and is read back as it was."""
    folder, _ = record
    found = read_record(folder).links[0].plan
    assert found.up.opportunities is not None
    assert 1700 * NS_PER_MS == found.up.opportunities.period_ns
    assert 2 == len([*(folder / "schedules").glob("*.opportunities.parquet")])
