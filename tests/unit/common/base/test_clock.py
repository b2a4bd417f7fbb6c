"""The clock that is handed in, and waiting on it."""

from __future__ import annotations

import asyncio

from plctl.common.base.clock import FakeClock, ends_by


async def test_work_that_ends_in_time_is_told_from_work_that_does_not() -> None:
    """The answer says which; what took too long is cancelled, not left behind."""
    clock = FakeClock()
    done = asyncio.Event()
    cancelled = asyncio.Event()

    async def work() -> None:
        try:
            await done.wait()
        except asyncio.CancelledError:
            cancelled.set()
            raise

    waiting = asyncio.create_task(ends_by(clock, clock.monotonic_ns() + 5, work()))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    clock.advance(5)
    assert not await waiting
    assert cancelled.is_set()
    done.set()
    assert await ends_by(clock, clock.monotonic_ns() + 5, work())
