"""What telemetry costs a link: the same run with samples every 10 ms, and with hardly any, in turns."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from bench.table import Table, row

ROUNDS = 4
SPEC = """
name: overhead
seed: 1
duration: 6s
telemetry: {{interval: {interval}}}
{more}
links:
  - name: leo
    count: 2
    scenario: leo.csv
    workload:
      - {{at: server, command: [plctl, probe, server], ready: {{udp: 8622}}}}
      - {{at: client, command: "plctl probe client {{server}} --rate 1000pps --duration 5s", start: 0s}}
"""
#: Hardly any is one sample a minute, so none but the last.
KINDS = {
    "hardly any": ("60s", ""),
    "every 10 ms": ("10ms", ""),
    "every 10 ms, and sockets": ("10ms", "socket_stats: 10ms"),
}


def lateness_us(folder: Path, interval: str, more: str) -> tuple[float, float, float]:
    """p50, p99 and maximum of the worse link, in microseconds."""
    folder.mkdir()
    (folder / "leo.csv").write_text("Time[ms],RouteID,Delay[ms],Btldr[Mbps]\n0,0,10,50\n")
    (folder / "study.yaml").write_text(SPEC.format(interval=interval, more=more))
    command = [sys.executable, "-m", "plctl.common", "run", "study.yaml", "--json"]
    finished = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=100, check=False)
    links = json.loads(finished.stdout)["links"]
    halves = [link["up"] for link in links]
    assert all(half["delivered_packets"] >= 4000 for half in halves), finished.stdout
    p50, p99, most = (max(half[f"lateness_{name}_ns"] for half in halves) / 1000 for name in ("p50", "p99", "max"))
    return p50, p99, most


@pytest.mark.timeout(280)
def test_overhead(tmp_path: Path, table: Table) -> None:
    """p50, p99 and maximum of lateness for each kind of run, in turns."""
    seen: dict[str, list[tuple[float, float, float]]] = {kind: [] for kind in KINDS}
    for number in range(ROUNDS):
        for position, (kind, (interval, more)) in enumerate(KINDS.items()):
            seen[kind].append(lateness_us(tmp_path / f"{number}-{position}", interval, more))
    for name, index in {"p50": 0, "p99": 1, "max": 2}.items():
        for kind, rounds in seen.items():
            table.add(row(f"lateness {name}, telemetry {kind}", "run", "µs", [figures[index] for figures in rounds]))
