"""Writes what becomes of the TCP sockets of a hand-made link to a file, a line for each socket and look."""

from __future__ import annotations

import contextlib
import csv
import json
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

from plctl.agent.link.hand_link import HandLink
from plctl.agent.telemetry.socket_stats import LinkSockets
from plctl.common.base.errors import UserError, WorldError
from plctl.common.base.units import NS_PER_S
from plctl.common.host.caller import give_to_caller
from plctl.common.telemetry.socket_stats import STATES, Flow, SocketSample

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_FIELDS = (
    *("t_wall_ns", "t_ns", "end", "local", "local_port", "remote", "remote_port", "congestion_control", "socket"),
    *(name for name in SocketSample._fields if name not in ("t_ns", "flow")),
)

Row = dict[str, Any]


def record(link: HandLink, path: Path, interval_ns: int) -> int:
    """Write to `path` (`-`: standard output) until SIGINT, SIGTERM or the link's end; how many lines that were.

    The format is CSV, or JSON lines where the name ends in .jsonl. What the file held is lost.

    :raises UserError: the file cannot be written.
    :raises WorldError: the disk refuses later on.
    :raises KernelError: the kernel cannot list sockets.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    try:
        with contextlib.closing(LinkSockets(link.name, link.namespaces)) as sockets, _opened(path) as file:
            write, count = _writer(file, path), 0
            for _ in _ticks(interval_ns):
                if link.missing:  # our own socket would keep its namespaces alive
                    break
                for flow, sample in sockets.read(time.monotonic_ns()):
                    write(_row(flow, sample))
                    count += 1
                _flush(file, path)
            return count
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _ticks(interval_ns: int) -> Iterator[None]:
    """Now, and every `interval_ns` after, until a signal comes; what is late is left out."""
    began_ns, number = time.monotonic_ns(), 0
    while True:
        yield
        number = max(number, (time.monotonic_ns() - began_ns) // interval_ns) + 1
        left_ns = began_ns + number * interval_ns - time.monotonic_ns()
        if signal.sigtimedwait(_SIGNALS, max(0, left_ns) / NS_PER_S) is not None:
            return


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[IO[str]]:
    if str(path) == "-":
        yield sys.stdout
        return
    try:
        file = path.open("w", encoding="utf-8", newline="")
    except OSError as error:
        raise UserError(f"cannot write {path}: {os.strerror(error.errno or 0)}") from None
    give_to_caller(path)
    with contextlib.closing(file):
        yield file


def _writer(file: IO[str], path: Path) -> Callable[[Row], object]:
    if path.suffix == ".jsonl":
        return lambda row: file.write(json.dumps(row) + "\n")
    table = csv.DictWriter(file, _FIELDS)
    table.writeheader()
    return table.writerow


def _flush(file: IO[str], path: Path) -> None:
    try:
        file.flush()
    except OSError as error:
        raise WorldError(f"cannot write {path}: {os.strerror(error.errno or 0)}") from None


def _row(flow: Flow, sample: SocketSample) -> Row:
    facts = {**sample._asdict(), "t_wall_ns": time.time_ns(), "state": STATES[sample.state]}
    names = ("end", "local", "local_port", "remote", "remote_port", "congestion_control", "socket")
    facts |= {name: getattr(flow, name) for name in names}
    return {field: facts[field] for field in _FIELDS}
