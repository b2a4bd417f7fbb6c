"""Telemetry of a real run: what the path carried, interval by interval, and nothing twice or not at all."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from plctl.common.base.units import NS_PER_MS, NS_PER_S
from plctl.common.telemetry.counters import COUNTERS

PLCTL = [sys.executable, "-m", "plctl.common"]
INTERVAL_NS = 50 * NS_PER_MS
FRAME_BYTES = 1242
RATES_BPS = (10_000_000, 4_000_000)
SCENARIO = "Time[ms],RouteID,Delay[ms],Btldr[Mbps]\n0,0,40,10\n1000,0,5,4\n"
#: Twice what the path carries, for two seconds.
SEND = [
    sys.executable,
    "-c",
    "import socket, time\ns = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\nend = time.monotonic() + 2\n"
    f"while time.monotonic() < end: [s.sendto(bytes({FRAME_BYTES - 42}), ('192.168.66.2', 9)) for _ in range(4)];"
    " time.sleep(0.002)",
]


def run(folder: Path) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The record and the telemetry of a run of two links, one of which carries nothing."""
    (folder / "full.csv").write_text(SCENARIO)
    workload = {"at": "client", "name": "client", "command": SEND, "start": "0s"}
    spec = {
        "duration": "2500ms",
        "telemetry": {"interval": "50ms"},
        "links": [
            {"name": "full", "scenario": "full.csv", "workload": [workload]},
            {"name": "idle", "scenario": "full.csv"},
        ],
    }
    (folder / "full.yaml").write_text(json.dumps(spec))
    subprocess.run(
        [*PLCTL, "run", "full.yaml", "--no-report"], cwd=folder, check=False, capture_output=True, timeout=60
    )
    (result,) = (folder / "runs").iterdir()
    rows = pq.read_table(result / "telemetry.parquet").to_pylist()  # type: ignore[no-untyped-call]
    return json.loads((result / "run.json").read_text()), rows


def integral_bits(begin_s: float, end_s: float) -> float:
    """What the path can carry between two moments of scenario time."""
    first, second = RATES_BPS
    return first * max(0, min(end_s, 1) - begin_s) + second * max(0, end_s - max(begin_s, 1))


@pytest.mark.undisturbed
def test_intervals_have_what_the_path_carried(tmp_path: Path) -> None:
    """None has served more than the integral of the rate and a frame, though a change of delay lets frames out at once.

    They follow on each other from T0 to the end, and their sums are the result.
    """
    record, rows = run(tmp_path)
    for link in record["links"]:
        for direction in ("up", "down"):
            name, result = link["plan"]["name"], link["result"][direction]
            of_half = [row for row in rows if (row["link"], row["direction"]) == (name, direction)]
            of_half.sort(key=lambda row: row["t_ns"])
            assert {each: result[each] for each in COUNTERS} == {
                each: sum(row[each] for row in of_half) for each in COUNTERS
            }
            begins = [row["t_ns"] - row["interval_ns"] for row in of_half]
            assert [link["planned_ns"], *(row["t_ns"] for row in of_half[:-1])] == begins
            for row in of_half:
                begin_s, end_s = row["t_s"] - row["interval_ns"] / NS_PER_S, row["t_s"]
                assert 8 * row["served_bytes"] <= integral_bits(begin_s, end_s) + 8 * FRAME_BYTES + 1
            if (name, direction) == ("full", "up"):
                assert 0.95 * integral_bits(0.1, 1.9) < 8 * result["served_bytes"]
                assert result["dropped_queue_full_packets"] > 0
                assert 40 <= len(of_half)
            if name == "idle":
                assert len(of_half) <= 12  # one a second, and what the kernel itself sends
