"""A group of tasks that go on beside a block, so that no task is kept by hand, forgotten, or fails unheard."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any


class _BlockOver(Exception):  # noqa: N818  (no error: it is how a TaskGroup is told to cancel what is left)
    """The block of `background` is at its end."""


@asynccontextmanager
async def background() -> AsyncIterator[asyncio.TaskGroup]:
    """Tasks that go on while the block does: at its end, whatever it is, what is left of them is cancelled.

    An error in a task cancels the block and the other tasks, and is raised as it is: whoever calls knows errors by
    their class, which a TaskGroup hides in a group. Of several the first counts.
    """
    try:
        async with asyncio.TaskGroup() as group:
            yield group
            raise _BlockOver
    except BaseExceptionGroup as errors:
        _, failed = errors.split(_BlockOver)
        if failed:
            raise _first(failed) from None


async def by_itself(work: Coroutine[Any, Any, None], what: str) -> None:
    """Let `work` go on; an error in it, which is a bug of ours, is told to the event loop and ends nothing else."""
    try:
        await work
    except Exception as error:
        asyncio.get_running_loop().call_exception_handler({"message": f"{what} broke", "exception": error})


def _first(errors: BaseExceptionGroup[BaseException]) -> BaseException:
    first = errors.exceptions[0]
    return _first(first) if isinstance(first, BaseExceptionGroup) else first
