"""tshark reads what plctl writes for it: the packets of the packet log at the same nanoseconds, live and afterwards."""

from __future__ import annotations

import subprocess
import sys
import time
from collections import Counter
from datetime import datetime
from pathlib import Path

from support.packets.captures import tshark

from plctl.common.scenario.schedule import DIRECTIONS
from plctl.controller.results import packet_file
from plctl.controller.results.run_reader import read_record

PLCTL = [sys.executable, "-m", "plctl.common"]
SPEC = """
name: sharks
links:
  - name: leo
    scenario: path.csv
    packets: {capture: 200B}
    queue: {capacity: 20p, discipline: codel, ecn: true}
    up: {loss: 3%, duplicate: 3%, corrupt: 3%}
    workload:
      - {at: server, command: [plctl, probe, server, --once], ready: {udp: 8622}}
      - {at: client, command: "plctl probe client {server} --rate 300pps --count 900 --both", start: 0s}
"""
SCENARIO = "Time[ms],RouteID,Delay[ms],Btldr[Mbps]\n0,7,15,2.5\n1000,2,5,4\n2000,7,15,2.5\n"
#: A packet: interface, ns since 1970, length, number.
Seen = tuple[str, int, int, int]


def seen_in(text: str) -> Counter[Seen]:
    """What tshark printed; each packet has a comment."""
    found: Counter[Seen] = Counter()
    for line in text.splitlines():
        instant, interface, length, number, comment = line.split("\t")
        seconds, nanoseconds = instant.split(".")
        assert len(nanoseconds) == 9
        assert comment.split(":")[0] in {f"{way} {int(number) & (1 << 40) - 1}" for way in DIRECTIONS}
        found[interface, int(seconds) * 10**9 + int(nanoseconds), int(length), int(number)] += 1
    return found


def logged(folder: Path) -> Counter[Seen]:
    """The same of the packet log."""
    record = read_record(folder)
    (link,) = record.links
    assert link.planned_ns is not None
    shift_ns = round(datetime.fromisoformat(record.t0_utc).timestamp() * 10**6) * 1000 - link.planned_ns
    found: Counter[Seen] = Counter()
    for way, direction in enumerate(DIRECTIONS):
        ends = ("leo client", "leo server")[:: 1 if direction == "up" else -1]
        for row in packet_file.read(folder, record, link, direction).to_pylist():
            about = row["length"], way << 40 | row["number"]
            if not row["copy"]:
                found[(ends[0], row["arrival_ns"] - row["moved_ns"] + shift_ns, *about)] += 1
            if row["sent_ns"] is not None:
                found[(ends[1], row["sent_ns"] + shift_ns, *about)] += 1
    return found


def begun(folder: Path) -> bool:
    """Whether a run's record is there."""
    return any(folder.glob("*/run.json"))


def test_tshark_sees_the_packets_of_the_log(tmp_path: Path) -> None:
    """While the run goes on, over a pipe, and of the file that is written afterwards: all is as the log says."""
    (tmp_path / "path.csv").write_text(SCENARIO)
    (tmp_path / "sharks.yaml").write_text(SPEC)
    command = [*PLCTL, "run", "sharks.yaml"]
    run = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    while not begun(tmp_path / "runs") and run.poll() is None:
        time.sleep(0.02)
    live = subprocess.Popen(
        [*PLCTL, "packets", "last", "leo", "--live", "--local"], cwd=tmp_path, stdout=subprocess.PIPE
    )
    shown = subprocess.run(tshark("-i", "-"), stdin=live.stdout, capture_output=True, text=True, timeout=60, check=True)
    assert live.stdout is not None
    live.stdout.close()
    assert 0 == live.wait(20)
    output, _ = run.communicate(timeout=20)
    (folder,) = (tmp_path / "runs").iterdir()
    expected = logged(folder)
    assert expected.total() > 3000, output.decode()
    assert expected == seen_in(shown.stdout)
    subprocess.run([*PLCTL, "packets", "last", "leo", "--pcapng", "leo.pcapng"], cwd=tmp_path, timeout=60, check=True)
    read = subprocess.run(
        tshark("-r", str(tmp_path / "leo.pcapng")), capture_output=True, text=True, timeout=60, check=True
    )
    assert expected == seen_in(read.stdout)
    for words in ("lost by the path", "flipped bit", "a copy that the path made", "delivered to the client"):
        assert words in read.stdout
