"""Background tasks end with their block, and their errors come out as what they are."""

from __future__ import annotations

import asyncio

import pytest

from plctl.common.base.background import background, by_itself
from plctl.common.base.errors import WorldError


async def for_ever(ended: list[str]) -> None:
    """Wait until cancelled, and say so."""
    try:
        await asyncio.Event().wait()
    finally:
        ended.append("ended")


async def test_what_is_left_ends_with_the_block() -> None:
    """However many tasks still go on: none survives, and the block's end is no error."""
    ended: list[str] = []
    async with background() as group:
        for _ in range(2):
            group.create_task(for_ever(ended))
        await asyncio.sleep(0)
    assert ["ended", "ended"] == ended


async def test_an_error_in_a_task_is_raised_by_itself() -> None:
    """Not in a group: its class says whose fault it is. The block and the other tasks are cancelled."""
    ended: list[str] = []

    async def fail() -> None:
        raise WorldError("no network")

    async def block() -> None:
        async with background() as group:
            group.create_task(for_ever(ended))
            group.create_task(fail())
            await for_ever(ended)

    with pytest.raises(WorldError, match="no network"):
        await block()
    assert ["ended", "ended"] == ended


async def test_an_error_of_the_block_is_raised_by_itself() -> None:
    """The tasks have ended by then."""
    ended: list[str] = []

    async def block() -> None:
        async with background() as group:
            group.create_task(for_ever(ended))
            await asyncio.sleep(0)
            raise WorldError("the block's")

    with pytest.raises(WorldError, match="the block's"):
        await block()
    assert ["ended"] == ended


async def test_an_error_of_what_goes_on_by_itself_ends_nothing_else() -> None:
    """It is told to the loop, whose handler logs it; the group and its other tasks go on."""
    told: list[str] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(str(context["exception"])))

    async def fail() -> None:
        raise RuntimeError("a bug")

    async with background() as group:
        await group.create_task(by_itself(fail(), "it"))
        await group.create_task(asyncio.sleep(0))
    assert ["a bug"] == told


async def test_a_cancelled_block_is_cancelled() -> None:
    """Whoever cancels gets what was asked for, not the block's own end."""
    ended: list[str] = []
    inside = asyncio.Event()

    async def block() -> None:
        async with background() as group:
            group.create_task(for_ever(ended))
            await asyncio.sleep(0)
            inside.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(block())
    await inside.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert ["ended"] == ended
