"""A whole controller's port under attack by peers of every role, and of none."""

from __future__ import annotations

from pathlib import Path

from support.hostile_controller import controller_site

MESSAGES = 5_000


async def test_a_controller_under_attack_serves_on(tmp_path: Path) -> None:
    """5000 hostile messages and connections: no run, no folder, no agent comes of them, and each is counted."""
    async with controller_site(tmp_path) as site:
        await site.withstand(MESSAGES)
