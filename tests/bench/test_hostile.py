"""A hundred thousand hostile messages at a controller's port."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from support.hostile_controller import controller_site

MESSAGES = 100_000


@pytest.mark.timeout(600)
async def test_a_hundred_thousand_hostile_messages(tmp_path: Path) -> None:
    """None has an effect, each is counted, and the honest are served; the rate is what the controller reads at."""
    async with controller_site(tmp_path) as site:
        began = time.monotonic()
        await site.withstand(MESSAGES)
        seconds = time.monotonic() - began
    print(f"\n{MESSAGES} hostile messages in {seconds:.1f} s: {MESSAGES / seconds:.0f} a second")
