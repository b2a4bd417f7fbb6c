"""SIGTERM and SIGINT as something that a loop around `select` can wait for and ask about."""

from __future__ import annotations

import signal
import socket
from types import FrameType, TracebackType


class StopSignals:
    """While entered, `signals` end nothing; they make `asked` true and wake whoever waits for `fileno`.

    With signals it must be entered in the main thread.
    """

    def __init__(self, *signals: signal.Signals) -> None:
        self._signals = signals
        self._reader, self._writer = socket.socketpair()
        self._reader.setblocking(False)
        self._asked = False
        self._before: dict[int, object] = {}

    def __enter__(self) -> StopSignals:
        for number in self._signals:
            self._before[number] = signal.signal(number, self._on_signal)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]  # what signal.signal gave us, it takes back
        self._reader.close()
        self._writer.close()

    @property
    def asked(self) -> bool:
        """True once a signal has come."""
        return self._asked

    def ask(self) -> None:
        """As if a signal had come."""
        self._asked = True
        self._writer.send(b"\0")

    def fileno(self) -> int:
        """Readable once, when the signal comes; `quiet` makes it unreadable again."""
        return self._reader.fileno()

    def quiet(self) -> None:
        """Take note of the wake-up, so that the next wait sleeps."""
        try:
            self._reader.recv(64)
        except BlockingIOError:
            return

    def _on_signal(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002  # signal's own signature
        if not self._asked:
            self.ask()
