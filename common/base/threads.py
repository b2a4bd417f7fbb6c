"""Starts threads, with a sentence where the kernel starts no more, and before that may happen.

Python reports that case as a RuntimeError, from wherever a thread is started: also from `asyncio.to_thread`, whose work
is queued then all the same: a thread that exists already does it later, although the caller was told that it could not
be done. So a program that must know what was done starts its loop's threads before it gives them any work.
"""

from __future__ import annotations

import asyncio
import os
import threading
from concurrent.futures import ThreadPoolExecutor

from plctl.common.base.errors import KernelError

_CANNOT = "can't start new thread"
NO_MORE = (
    "cannot start a thread: as many processes and threads as are allowed here are running already; end some, or raise"
    " the limit (TasksMax= of a systemd unit, pids.max of a control group, ulimit -u)"
)
#: As many as the default of an event loop (concurrent.futures).
_MOST = 32


def start_thread(thread: threading.Thread) -> None:
    """Start it.

    :raises KernelError: the kernel starts no more threads.
    """
    try:
        thread.start()
    except RuntimeError as error:
        raise explained(error) from error


def explained(error: RuntimeError) -> Exception:
    """The error itself, or a KernelError with a sentence if it says that a thread could not be started."""
    return KernelError(NO_MORE) if str(error) == _CANNOT else error


def start_loop_threads() -> None:
    """Let the running loop have all threads for `asyncio.to_thread` from now on.

    :raises KernelError: the kernel does not start so many.
    """
    count = min(_MOST, (os.cpu_count() or 1) + 4)
    pool = ThreadPoolExecutor(count, thread_name_prefix="asyncio")
    asyncio.get_running_loop().set_default_executor(pool)
    all_there = threading.Barrier(count + 1)
    try:
        for _ in range(count):  # each waits for the others, so that none takes the next one's turn
            pool.submit(all_there.wait)
    except RuntimeError as error:
        all_there.abort()
        raise explained(error) from error
    all_there.wait()
