"""What a thousand agents cost one controller: 200 000 link records a second for a minute, and commands beside them.

Agents, controller and this client share the machine. What the agents use of it is told beside what the controller does:
made-up telemetry costs them little, but each must encrypt it, as the controller must decrypt it.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from crowd import Size, carry, crowd

SIZE = Size(agents=1000, processes=2, links=10, duration_s=60)


@pytest.mark.timeout(600)
async def test_a_thousand_agents(tmp_path: Path) -> None:
    """Prints rates, CPU, memory, latencies and the time to arm; every record must have arrived."""
    async with crowd(tmp_path, SIZE) as (made, client):
        outcome = await carry(made, client, pause_s=0.5)
    latencies = sorted(outcome.latencies_s)
    p50, p99 = latencies[len(latencies) // 2], latencies[int(len(latencies) * 0.99)]
    rate, cpu_s = outcome.samples / SIZE.duration_s, outcome.cpu_s["controller"]
    print(
        f"\n{SIZE.agents} agents, {SIZE.samples} records asked for, {outcome.samples} arrived ({rate:,.0f}/s)"
        f"\narming all: {outcome.arming_s:.3f} s"
        f"\ncontroller: {cpu_s / SIZE.duration_s:.2f} CPU s/s, {cpu_s / outcome.samples * 1e6:.1f} µs a record,"
        f" peak {outcome.peak_bytes / 1e6:.0f} MB"
        f"\nagents: {outcome.cpu_s['agents'] / SIZE.duration_s:.2f} CPU s/s"
        f"\nlist of agents: {len(latencies)} asked, p50 {p50 * 1e3:.0f} ms, p99 {p99 * 1e3:.0f} ms,"
        f" max {latencies[-1] * 1e3:.0f} ms"
    )
    assert SIZE.samples <= outcome.samples
    assert SIZE.agents == outcome.hosts
