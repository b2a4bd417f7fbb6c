"""A machine that cannot keep up says so: its run is never `ok`."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.running import PATIENCE_S, await_condition, find_forwarder, stopped

pytestmark = pytest.mark.undisturbed

RUN = [sys.executable, "-m", "plctl.common", "run", "--no-report"]
SCENARIO = "Time[ms],RouteID,Delay[ms],Btldr[Mbps]\n0,0,5,20\n"
STALL_S = 0.2
#: Only how late frames are is asked here: a machine with other things to do may begin late, too, which goes first.
BEGIN = {"skew": "500ms", "workload": "2s"}
SPINNERS = 3

#: Says that it has begun, sends a datagram every millisecond for two seconds, and says that it is through.
SEND = [
    sys.executable,
    "-uc",
    "import socket, time; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); print('begun')\n"
    "for _ in range(2000): s.sendto(b'hello', ('192.168.66.2', 9)); time.sleep(0.001)\n"
    "print('through')",
]


def write_spec(folder: Path, link: dict[str, Any]) -> str:
    """The name of a run spec, in `folder`, of one link over which `SEND` sends; `link` is what else it is."""
    (folder / "short.csv").write_text(SCENARIO)
    workload = {"at": "client", "name": "client", "command": SEND, "start": "0s"}
    links = [{"name": "short", "scenario": "short.csv", "workload": [workload], **link}]
    (folder / "short.yaml").write_text(json.dumps({"budget": BEGIN, "links": links}))
    return "short.yaml"


def said(folder: Path, word: str) -> bool:
    """Whether the workload of the only run below `folder` has said `word`."""
    return any(word in path.read_text() for path in folder.glob("runs/*/artifacts/short/client.stdout"))


def lower_priority(pid: int) -> None:
    """Let everything that is ready to run go before each thread of the process, and before its session's group."""
    for thread in Path(f"/proc/{pid}/task").iterdir():
        os.setpriority(os.PRIO_PROCESS, int(thread.name), 19)
    with contextlib.suppress(OSError):  # this kernel does not group sessions
        Path(f"/proc/{pid}/autogroup").write_text("19")


@contextlib.contextmanager
def spinners(cpu: int) -> Iterator[None]:
    """Processes that never rest, all on `cpu`."""
    running = [
        subprocess.Popen([sys.executable, "-c", f"import os; os.sched_setaffinity(0, [{cpu}])\nwhile True: pass"])
        for _ in range(SPINNERS)
    ]
    try:
        yield
    finally:
        for process in running:
            process.kill()
            process.wait()


@pytest.mark.parametrize("io", ["packet", "xdp"])
def test_a_forwarder_that_stops_for_200_ms_is_late_and_drops_nothing(
    state_folder: Path, tmp_path: Path, io: str
) -> None:
    """What came meanwhile waited in the ring, and is judged by when it came: a queue of six packets was never full."""
    process = subprocess.Popen(
        [*RUN, write_spec(tmp_path, {"queue": {"capacity": "6p"}, "packets": True}), "--json", "--io", io],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    await_condition(lambda: said(tmp_path, "begun"), process)
    forwarder, begin = find_forwarder(state_folder), time.monotonic()
    with stopped(forwarder):
        await_condition(lambda: time.monotonic() > begin + STALL_S, process)
    held_ns = (time.monotonic() - begin) * 1e9
    out, errors = process.communicate(timeout=PATIENCE_S)
    (link,) = json.loads(out)["links"]
    assert "late" == link["verdict"], (link, errors)
    assert "frames up left late: p99 " in link["cause"]
    up = link["up"]
    assert STALL_S / 2 * 1e9 < up["lateness_p99_ns"] < 2 * held_ns
    assert up["arrived_packets"] == up["delivered_packets"] >= 2000
    assert (0, 0, 0) == (up["dropped_queue_full_packets"], up["lost_ring"], up["lost_late"])
    assert 1 == process.returncode


def test_a_starved_forwarder_is_late_or_overloaded_but_not_ok(state_folder: Path, tmp_path: Path) -> None:
    """A forwarder that gets next to no CPU time while frames flow earns its link `late` or `overloaded`, and exit 1."""
    cpu = max(os.sched_getaffinity(0))
    process = subprocess.Popen(
        [*RUN, write_spec(tmp_path, {}), "--json", "--cpus", str(cpu), "--workers", "1"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    await_condition(lambda: said(tmp_path, "begun"), process)
    lower_priority(find_forwarder(state_folder))
    with spinners(cpu):
        await_condition(lambda: said(tmp_path, "through"), process)
    out, errors = process.communicate(timeout=PATIENCE_S)
    (link,) = json.loads(out)["links"]
    assert link["verdict"] in ("late", "overloaded"), errors
    assert any(word in link["cause"] for word in ("left late: p99", "the machine, not the scenario, lost")), link
    assert 1 == process.returncode
