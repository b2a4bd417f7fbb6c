"""Turns full parts into Parquet in a process of its own, at low priority.

A process, not a thread: making columns of a million rows keeps the interpreter's lock for tens of milliseconds at a
time, in which the event loop that answers agents and clients would stand still.
"""

from __future__ import annotations

import ctypes
import os
import pickle
import signal
import subprocess
import sys
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

from plctl.common.base.interpreter import module_command
from plctl.controller.results import column_parts
from plctl.controller.results.column_parts import RunTable

_NICE = 10
_PR_SET_PDEATHSIG = 1


class PartCloser:
    """The process of one writer: begun with the first full part, killed with this process, ended by `close`."""

    def __init__(self, name: str) -> None:
        self._orders = ThreadPoolExecutor(1, f"{name}-to-parquet")  # does nothing but wait for the process
        self._process: subprocess.Popen[bytes] | None = None
        self._order: Future[None] | None = None

    @property
    def busy(self) -> bool:
        """Whether a part is on its way."""
        return self._order is not None and not self._order.done()

    def put(self, stream: Path, run_table: RunTable) -> Future[None]:
        """Let `stream` become Parquet, in a while. Where that fails it stays a stream, as readable as before."""
        self._order = self._orders.submit(self._carry_out, stream, run_table)
        return self._order

    def close(self) -> None:
        """Wait for what is on its way, and end the process. Twice is harmless."""
        self._orders.shutdown()
        if self._process is not None:
            self._end(self._process)

    def _carry_out(self, stream: Path, run_table: RunTable) -> None:
        if self._process is None:
            self._process = _begin()
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with suppress(OSError):  # it was killed, by whoever: the stream stays, and the next part has a new process
            self._process.stdin.write(pickle.dumps((stream, run_table)))
            self._process.stdin.flush()
            if self._process.stdout.readline():
                return
        self._end(self._process)

    def _end(self, process: subprocess.Popen[bytes]) -> None:
        self._process = None
        with suppress(OSError), process:  # the end of its orders is its own
            pass


def _begin() -> subprocess.Popen[bytes]:
    command = module_command("plctl.controller.results.part_closer")
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)


def main() -> None:
    """Carry out orders from standard input until it ends, with a line on standard output after each."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the controller, which ends this process in its time
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)  # or it could write beside the next controller
    os.nice(_NICE)
    with suppress(EOFError):
        while True:
            stream, run_table = pickle.load(sys.stdin.buffer)  # from our own other half
            with suppress(OSError):
                column_parts.to_parquet(stream, run_table)
            sys.stdout.buffer.write(b"\n")
            sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
