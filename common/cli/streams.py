"""Standard output and error that never change what a command does: nobody has to read on for a run to go on.

A pipe's reader may leave (`| head`), a terminal may vanish, be stopped (Ctrl-S) or know ASCII only, a disk may be full.
What cannot be written is dropped; what the encoding does not have is written out; the exit status is what it would be.
"""

from __future__ import annotations

import errno
import io
import os
import queue
import sys
import threading
from contextlib import suppress
from typing import Any

#: Nobody is there any more: the reader left, or the terminal did.
_GONE = frozenset({errno.EPIPE, errno.EIO, errno.EBADF, errno.ECONNRESET})
#: What may wait for a terminal that takes nothing; pictures beyond it are left out.
_WAITING_BYTES = 256 * 1024


class Forgiving(io.RawIOBase):
    """The file descriptor `number`, to which whatever is written counts as written."""

    def __init__(self, number: int, *, goes_on: bool = False) -> None:
        """`goes_on`: after a disk was full for a moment, what comes later is written again, as a log should be."""
        super().__init__()
        self._number = number
        self._goes_on = goes_on
        self.lost: OSError | None = None  #: why something was not written, most lately

    def write(self, data: Any) -> int:
        """Write all of `data`, or drop it; from the first loss on everything is dropped, unless it goes on."""
        left = memoryview(data).cast("B")
        while len(left) and (self.lost is None or (self._goes_on and self.lost.errno not in _GONE)):
            try:
                left = left[os.write(self._number, left) :]
            except BlockingIOError:  # somebody made the terminal so, for all who have it
                _wait_until_writable(self._number)
            except OSError as error:
                self.lost = error
                break
        return len(memoryview(data).cast("B"))

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._number

    def isatty(self) -> bool:
        return os.isatty(self._number)


def forgive() -> None:
    """Let standard output and error of this process be such; once, before anything is printed."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:  # the descriptor is closed, as by >&-
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: PTH123, SIM115  (for good)
            continue
        with suppress(OSError, ValueError):
            stream.flush()
            raw = Forgiving(stream.fileno(), goes_on=name == "stderr")
            lines = name == "stderr" or raw.isatty()
            wrapped = io.TextIOWrapper(
                io.BufferedWriter(raw), stream.encoding, "backslashreplace", line_buffering=lines
            )
            setattr(sys, name, wrapped)


def is_gone(stream: Any) -> bool:
    """Whether nobody reads `stream` any more, as far as that was noticed."""
    lost = _lost(stream)
    return lost is not None and lost.errno in _GONE


def loss() -> str:
    """What to say of output that was dropped though somebody waits for it; empty if none was."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(ValueError, OSError):
            stream.flush()
        if (lost := _lost(stream)) and lost.errno not in _GONE:
            return f"not all output could be written: {os.strerror(lost.errno or 0)}"
    return ""


class Background(io.TextIOBase):
    """Writes to `stream` from a thread of its own, so that a terminal that takes nothing holds up nobody.

    What is written while much waits already is left out: it is for pictures that replace each other.
    """

    def __init__(self, stream: Any) -> None:
        super().__init__()
        self._stream = stream
        self._waiting = 0
        self._queue: queue.SimpleQueue[str | threading.Event | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="screen", daemon=True)
        self._thread.start()

    @property
    def encoding(self) -> str:  # type: ignore[override]  # read only here, as it is the stream's
        return str(self._stream.encoding)

    def write(self, text: str) -> int:
        """Have `text` written soon, unless too much waits."""
        if self._waiting < _WAITING_BYTES:
            self._waiting += len(text)
            self._queue.put(text)
        return len(text)

    def drain(self) -> None:
        """Wait until all that waits is written."""
        if not self.closed:
            done = threading.Event()
            self._queue.put(done)
            done.wait()

    def writable(self) -> bool:
        return True

    def isatty(self) -> bool:
        return bool(self._stream.isatty())

    def fileno(self) -> int:
        return int(self._stream.fileno())

    def close(self) -> None:
        """Wait until all that waits is written; the stream stays open."""
        if not self.closed:
            self._queue.put(None)
            self._thread.join()
            super().close()

    def _work(self) -> None:
        while (text := self._queue.get()) is not None:
            if isinstance(text, threading.Event):
                text.set()
                continue
            with suppress(OSError, ValueError):
                self._stream.write(text)
                self._stream.flush()
            self._waiting -= len(text)


def _lost(stream: Any) -> OSError | None:
    raw = getattr(getattr(stream, "buffer", None), "raw", None)
    return raw.lost if isinstance(raw, Forgiving) else None


def _wait_until_writable(number: int) -> None:
    import select  # noqa: PLC0415  (hardly ever)

    with suppress(OSError):
        select.select([], [number], [])
