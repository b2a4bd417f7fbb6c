"""The controller serves many agents at once: all that they report is kept, and commands are answered meanwhile."""

from __future__ import annotations

from pathlib import Path

from support.crowd import Size, carry, crowd

SIZE = Size(agents=50, processes=2, links=4, duration_s=5)


async def test_everything_that_fifty_agents_report_arrives(tmp_path: Path) -> None:
    """Through a real controller on TCP, every link has a sample of each direction in every interval."""
    async with crowd(tmp_path, SIZE) as (made, client):
        outcome = await carry(made, client, pause_s=0.5)
    assert SIZE.samples <= outcome.samples
    assert SIZE.agents == outcome.hosts
    assert {SIZE.agents} == outcome.listed
    assert {"simulated"} == {link.verdict for link in outcome.record.links}
    assert SIZE.agents * SIZE.links == sum(link.result is not None for link in outcome.record.links)
    spread = {link.host for link in outcome.record.links}
    assert SIZE.agents == len(spread)
