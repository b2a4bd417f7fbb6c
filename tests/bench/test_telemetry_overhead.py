"""What telemetry costs a link: the same run with samples every 10 ms, and with hardly any, in turns.

Runs differ from each other by more than telemetry could make them differ. So each is compared with its neighbour of the
same round, and what is told is an interval that contains the median difference, whatever its distribution is.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from statistics import median

import pytest
from bench.table import Row, Table, row

#: Of 12 differences the third smallest and the third largest enclose the median with a probability of 96 %: it is
#: outside only if fewer than three of 12 fair coins show the one side, or the other.
ROUNDS, OUTERMOST = 12, 2
SPEC = """
name: overhead
seed: 1
duration: 5s
telemetry: {{interval: {interval}}}
{more}
links:
  - name: leo
    count: 2
    scenario: leo.csv
    workload:
      - {{at: server, command: [plctl, probe, server], ready: {{udp: 8622}}}}
      - {{at: client, command: "plctl probe client {{server}} --rate 1000pps --duration 4s", start: 0s}}
"""
#: Hardly any is one sample a minute, so none but the last.
LITTLE = "hardly any"
KINDS = {
    LITTLE: ("60s", ""),
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
    assert all(half["delivered_packets"] >= 3500 for half in halves), finished.stdout
    p50, p99, most = (max(half[f"lateness_{name}_ns"] for half in halves) / 1000 for name in ("p50", "p99", "max"))
    return p50, p99, most


def difference(what: str, kind: str, seen: list[float], without: list[float]) -> Row:
    """By how much `kind` was later than its neighbours: the median, and the interval that encloses it."""
    more = sorted(mine - other for mine, other in zip(seen, without, strict=True))
    least, *_, most = more[OUTERMOST:-OUTERMOST]
    title = f"{what}, more by telemetry {kind}"
    return Row(title, "run", "µs", median(more), least, most, budget="0 within the interval", met=least <= 0)


@pytest.mark.timeout(900)
def test_overhead(tmp_path: Path, table: Table) -> None:
    """p50, p99 and maximum of lateness for each kind of run; every second round in the opposite order."""
    seen: dict[str, list[tuple[float, float, float]]] = {kind: [] for kind in KINDS}
    for number in range(ROUNDS):
        for kind in list(KINDS)[:: -1 if number % 2 else 1]:
            seen[kind].append(lateness_us(tmp_path / f"{number} {kind}", *KINDS[kind]))
    for index, what in enumerate(("lateness p50", "lateness p99", "lateness max")):
        each = {kind: [figures[index] for figures in rounds] for kind, rounds in seen.items()}
        for kind, values in each.items():
            table.add(row(f"{what}, telemetry {kind}", "run", "µs", values))
            if kind != LITTLE:
                table.add(difference(what, kind, values, each[LITTLE]))
