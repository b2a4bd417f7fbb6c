"""A thread that cannot be started is a sentence, and a loop that has its threads needs no more.

That the kernel starts none is simulated where Python asks it: a limit would meet all that runs beside this.
"""

from __future__ import annotations

import asyncio
import threading

import pytest

from plctl.common.base.errors import KernelError
from plctl.common.base.threads import explained, start_loop_threads, start_thread


def _refuse(*_: object) -> None:
    raise RuntimeError("can't start new thread")


@pytest.fixture
def no_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on there are no more."""
    monkeypatch.setattr(threading, "_start_new_thread", _refuse)


@pytest.mark.usefixtures("no_threads")
def test_a_thread_too_many_is_told() -> None:
    """In words that say what to do; any other error stays what it is."""
    with pytest.raises(KernelError, match=r"^cannot start a thread: .*TasksMax="):
        start_thread(threading.Thread(target=len))
    other = RuntimeError("something else")
    assert other is explained(other)


async def test_work_goes_on_where_no_thread_can_be_started(monkeypatch: pytest.MonkeyPatch) -> None:
    """All that `asyncio.to_thread` ever uses are there."""
    start_loop_threads()
    monkeypatch.setattr(threading, "_start_new_thread", _refuse)
    assert [3] * 100 == await asyncio.gather(*(asyncio.to_thread(len, "abc") for _ in range(100)))
    monkeypatch.undo()


async def test_a_loop_that_cannot_have_its_threads_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before there is any work; those that wait for the others are let go."""
    with monkeypatch.context() as without_threads:
        without_threads.setattr(threading, "_start_new_thread", _refuse)
        with pytest.raises(KernelError, match="cannot start a thread"):
            start_loop_threads()
