"""The two directions of a link are probed at once, and are both over when one has failed."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from plctl.agent.run import self_check


async def test_nothing_reads_a_link_whose_check_has_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its sockets are closed then, and their descriptors soon others'."""
    over: list[str] = []

    async def measure(way: Any) -> int:
        if way == "up":
            await asyncio.sleep(0)
            raise self_check.SelfCheckError("packets are lost")
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)  # what it must still do
            over.append(way)
        raise AssertionError

    monkeypatch.setattr(self_check, "_measure", measure)
    with pytest.raises(self_check.SelfCheckError, match="packets are lost"):
        await self_check._measure_both("up", "down")  # type: ignore[arg-type]
    assert ["down"] == over
