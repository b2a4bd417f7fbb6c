"""Progress of work that may take more than two seconds: a bar on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from plctl.controller.view.screen import say, stderr_screen

#: Work that takes less is not talked about.
QUIET_S = 2.0
#: Between two lines where there is no terminal.
LINES_EVERY_S = 5.0


def reading(what: str) -> AbstractContextManager[Callable[[int, int], None]]:
    """As `progress`; `what` is read."""
    return progress(f"reading {what}")


@contextmanager
def progress(what: str) -> Iterator[Callable[[int, int], None]]:
    """What to call with every step, told how many are done, and of how many; `what` is done, as "reading cells"."""
    console = stderr_screen()
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    bar = Progress(*columns, console=console, transient=True, auto_refresh=False)
    task, begun_s, told_s = bar.add_task(what), time.monotonic(), 0.0

    def tell(done: int, total: int) -> None:
        nonlocal told_s
        now_s = time.monotonic()
        if now_s - begun_s < QUIET_S or now_s - told_s < (0.1 if console.is_terminal else LINES_EVERY_S):
            return
        told_s = now_s
        if console.is_terminal:
            bar.start()
            bar.update(task, completed=done, total=total, refresh=True)
        else:
            say(console, f"{what}: {done} of {total}")

    try:
        yield tell
    finally:
        if bar.live.is_started:  # else it would print an empty line
            bar.stop()
