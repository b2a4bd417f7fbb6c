"""Runs commands on a pseudo-terminal, as people see them, and does what terminals do: type, stop, go away."""

from __future__ import annotations

import contextlib
import fcntl
import os
import select
import struct
import subprocess
import termios
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

_SIZE = struct.pack("HHHH", 40, 160, 0, 0)


class PseudoTerminal:
    """A terminal of 160 columns on which a command runs."""

    def __init__(self, command: Sequence[str | Path], cwd: Path, env: Mapping[str, str] | None = None) -> None:
        self._end, other = os.openpty()
        fcntl.ioctl(self._end, termios.TIOCSWINSZ, _SIZE)
        self._said = bytearray()
        self.process = subprocess.Popen(
            ["setsid", "--ctty", *command],  # the terminal becomes the session's own, so that it sends signals
            cwd=cwd,
            env={**os.environ, "TERM": "xterm-256color", **(env or {})},
            stdin=other,
            stdout=other,
            stderr=other,
        )
        os.close(other)

    @property
    def text(self) -> str:
        """All that was printed so far, control characters included."""
        return self._said.decode(errors="replace")

    def type(self, keys: bytes) -> None:
        """Press keys, e.g. ``b"\\x03"`` for Ctrl-C."""
        os.write(self._end, keys)

    def wait_for(self, words: str, within_s: float = 60) -> None:
        """Return once `words` were printed.

        :raises AssertionError: they are not within that time.
        """
        deadline = time.monotonic() + within_s
        while words not in self.text:
            left = deadline - time.monotonic()
            assert left > 0, f"{words!r} was not printed; this was:\n{self.text}"
            assert self._read(left) or words in self.text, f"it ended without {words!r}:\n{self.text}"

    def finish(self, within_s: float = 60) -> int:
        """Read until the command ends; its exit status, or minus a signal."""
        deadline = time.monotonic() + within_s
        while self._end >= 0 and self._read(max(0, deadline - time.monotonic())):
            assert time.monotonic() < deadline, f"it did not end; this was printed:\n{self.text}"
        return self.process.wait(max(0.1, deadline - time.monotonic()))

    def vanish(self) -> None:
        """Close the terminal, as a window that is closed or a connection that breaks."""
        if self._end >= 0:
            os.close(self._end)
            self._end = -1

    def _read(self, within_s: float) -> bool:
        """Read what comes; False once nobody has the other end open."""
        if select.select([self._end], [], [], within_s)[0]:
            with contextlib.suppress(OSError):  # EIO: the last of the other end is closed
                if data := os.read(self._end, 65536):
                    self._said += data
                    return True
            return False
        return True


@contextlib.contextmanager
def terminal(
    command: Sequence[str | Path], cwd: Path, env: Mapping[str, str] | None = None
) -> Iterator[PseudoTerminal]:
    """A terminal with `command` on it; both are gone afterwards."""
    opened = PseudoTerminal(command, cwd, env)
    try:
        yield opened
    finally:
        opened.vanish()
        if opened.process.poll() is None:
            opened.process.kill()
        opened.process.wait()
