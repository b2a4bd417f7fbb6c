"""What signals do to a run on this machine: the first ends it in good order, and none makes its results get lost.

SIGINT (Ctrl-C), SIGTERM and SIGHUP (the terminal went away) mean the same; a SIGHUP that is ignored, as by nohup, stays
ignored. Before the run's folder exists there is nothing to lose, and a signal does what it always does.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable
from types import FrameType

_AGAIN = "still ending the run and writing its report; nothing is lost by waiting"


class Interrupts:
    """While entered, in the main thread, and once there is something to lose (`hold`), signals are heard here."""

    def __init__(self, say: Callable[[str], None]) -> None:
        """`say` prints a sentence; it must not wait."""
        self.cause = ""  #: why the run is to end, once it is
        self._say = say
        self._loop: asyncio.AbstractEventLoop | None = None
        self._cancel: Callable[[str], object] | None = None
        self._before: dict[signal.Signals, object] = {}

    def __enter__(self) -> Interrupts:
        return self

    def hold(self) -> None:
        """From now on there is something to lose. Twice is harmless."""
        for number in {signal.SIGINT, signal.SIGTERM, signal.SIGHUP} - self._before.keys():
            if signal.getsignal(number) is not signal.SIG_IGN:
                self._before[number] = signal.signal(number, self._hear)

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]  # what signal.signal gave us, it takes back

    def attach(self, cancel: Callable[[str], object]) -> None:
        """From now on a signal makes the running loop call `cancel`; at once, if one has come already."""
        self._loop, self._cancel = asyncio.get_running_loop(), cancel
        if self.cause:
            self._loop.call_soon(cancel, self.cause)

    def detach(self) -> None:
        """The loop ends; what is left to do is done whatever comes."""
        self._loop = self._cancel = None

    def _hear(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002  (signal's own signature)
        if self.cause:
            self._tell(_AGAIN)
            return
        self.cause = f"{signal.Signals(number).name} was sent to plctl run"
        self._tell("cancelling, writing the report …" if self._cancel else "writing the report …")
        if self._loop and self._cancel:
            self._loop.call_soon_threadsafe(self._cancel, self.cause)

    def _tell(self, sentence: str) -> None:
        """Not from within the handler, which may have come in the middle of printing, if there is a loop to do it."""
        if self._loop:
            self._loop.call_soon_threadsafe(self._say, sentence)
        else:
            self._say(sentence)
