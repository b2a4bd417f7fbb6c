"""A run does not notice that its controller is stopped for a while, and all it did meanwhile arrives afterwards."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow.parquet as pq
from support.running import stopped

PLCTL = [sys.executable, "-m", "plctl.common"]
SPEC = """
name: away
duration: 4s
telemetry: {{interval: 10ms}}
links:
  - name: leo
    scenario: leo.csv
    workload:
      - at: client
        command: [{python}, -c, {work}]
        start: 0s
"""
#: Says three words in three seconds, and keeps the link busy: of one at rest there would be hardly any telemetry.
WORK = """
import pathlib, socket, time
end = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for number in (1, 2, 3):
    print(number, flush=True)
    for _ in range(200):
        end.sendto(b'busy', ('192.168.66.2', 9))
        time.sleep(0.005)
pathlib.Path({done!r}).touch()
"""


def wait_until(condition: Callable[[], object], process: subprocess.Popen[str]) -> None:
    """Look until `condition` holds, as long as the run goes on."""
    until = time.monotonic() + 60
    while not condition():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < until
        time.sleep(0.01)


@contextmanager
def running(folder: Path) -> Iterator[subprocess.Popen[str]]:
    """`plctl run` of the spec, ended at the latest with the block."""
    command = [*PLCTL, "run", "away.yaml", "--no-report", "--json"]
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.send_signal(signal.SIGCONT)
            process.send_signal(signal.SIGINT)


def test_a_run_goes_on_without_its_controller(tmp_path: Path) -> None:
    """From its first second to beyond its workload's end the controller stands still. Afterwards telemetry has no gap
    and is in order, the workload's output is whole, and so is the log."""
    done = tmp_path / "done"
    (tmp_path / "leo.csv").write_text("Time[ms],RouteID,Delay[ms],Btldr[Mbps]\n0,0,5,20\n")
    (tmp_path / "away.yaml").write_text(
        SPEC.format(python=sys.executable, work=json.dumps(WORK.format(done=str(done))))
    )
    with running(tmp_path) as process:
        wait_until(lambda: [*tmp_path.glob("runs/*/artifacts/leo/*.stdout")], process)
        with stopped(process.pid):
            wait_until(done.exists, process)
            back_ns = time.monotonic_ns()
        out, errors = process.communicate(timeout=60)
    assert json.loads(out)["verdict"] in ("ok", "late", "skewed"), out + errors
    (folder,) = (tmp_path / "runs").iterdir()
    assert "1\n2\n3\n" == (folder / "artifacts" / "leo" / "client.stdout").read_text()
    table = pq.read_table(folder / "telemetry.parquet", use_threads=False)
    for direction in ("up", "down"):
        rows = [row for row in table.to_pylist() if row["direction"] == direction]
        ends = [row["t_ns"] for row in rows]
        assert [row["t_ns"] - row["interval_ns"] for row in rows][1:] == ends[:-1], "an interval is missing"
        assert len([t_ns for t_ns in ends if t_ns < back_ns]) > (100 if direction == "up" else 1)  # nothing comes down
    events = [json.loads(line) for line in (folder / "events.jsonl").read_text().splitlines()]
    assert [event["t_ns"] for event in events] == sorted(event["t_ns"] for event in events)
    assert "workload.ended" in [event["event"] for event in events]
    assert not [event for event in events if event["event"] == "telemetry.dropped"]
