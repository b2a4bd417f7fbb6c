"""The page's server shares a process with whatever else it does."""

from __future__ import annotations

import sys
from pathlib import Path

from support.web.served import served


async def test_the_event_loop_has_its_turn_soon(tmp_path: Path) -> None:
    """Beside threads that compute, while the page is served; afterwards as before."""
    before = sys.getswitchinterval()
    async with served(tmp_path):
        assert sys.getswitchinterval() <= 0.001
    assert before == sys.getswitchinterval() > 0.001
