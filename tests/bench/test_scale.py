"""What a thousand agents cost one controller: 200 000 link records a second for a minute, and commands beside them.

Agents, controller and this client share the machine. What the agents use of it is told beside what the controller does:
synthetic telemetry costs them little, but each must encrypt it, as the controller must decrypt it.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from bench.table import Row, Table, row
from support.crowd import Size, carry, crowd

SIZE = Size(agents=1000, processes=2, links=10, duration_s=60)
RATE, ARMING_S, ANSWER_MS = 200_000, 1.0, 100.0


@pytest.mark.timeout(600)
async def test_a_thousand_agents(tmp_path: Path, table: Table) -> None:
    """Rates, CPU, memory, latencies and the time to arm; every record must have arrived."""
    async with crowd(tmp_path, SIZE) as (made, client):
        outcome = await carry(made, client, pause_s=0.5)
    what = f"{SIZE.agents} agents"
    rate = outcome.samples / SIZE.duration_s
    table.add(row(f"{what}, records kept", "run", "/s", [rate], budget=f"≥ {RATE:,}", met=rate >= RATE))
    table.add(row(f"{what}, arming", "run", "s", [arming := outcome.arming_s], budget="≤ 1", met=arming <= ARMING_S))
    for command, latencies_s in outcome.latencies_s.items():
        answers_ms = sorted(latency * 1e3 for latency in latencies_s)
        for name, at in {"p50": 0.5, "p90": 0.9, "p99": 0.99}.items():
            ms = answers_ms[int(len(answers_ms) * at)]
            title, span = f"{what}, answer to `plctl {command}`, {name}", (answers_ms[0], answers_ms[-1])
            table.add(Row(title, "run", "ms", ms, *span, budget=f"≤ {ANSWER_MS:g}", met=ms <= ANSWER_MS))
    table.add(row(f"{what}, all handled after", "run", "s", [outcome.watched_s]))
    for part, cpu_s in outcome.cpu_s.items():
        table.add(row(f"{what}, CPU, {part}", "run", "s/s", [cpu_s / outcome.watched_s]))
    table.add(row(f"{what}, the controller's peak memory", "run", "MiB", [outcome.peak_bytes / 2**20]))
    assert SIZE.samples <= outcome.samples
    assert SIZE.agents == outcome.hosts
