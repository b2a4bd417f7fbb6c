"""Commands that serve the page, each a process of its own."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.request import urlopen

PLCTL = [sys.executable, "-m", "plctl.common"]
PATIENCE_S = 60.0


def free_port() -> int:
    """A port of the loopback that nobody has just now."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
        return port


def until(condition: Callable[[], bool], what: Callable[[], str]) -> None:
    """Return once `condition` holds; else fail and say `what`."""
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, what()
        time.sleep(0.02)


class Served:
    """A process that serves the page, and where."""

    def __init__(self, process: subprocess.Popen[bytes], log: Path, port: int) -> None:
        self.process = process
        self.log = log
        self.port = port
        self.url = f"http://127.0.0.1:{port}/"

    def answers(self) -> bool:
        """Whether it can be asked."""
        with socket.socket() as tried:
            return tried.connect_ex(("127.0.0.1", self.port)) == 0

    def ask(self, path: str) -> Any:
        """A document of its API."""
        with urlopen(f"{self.url}api/v1{path}", timeout=PATIENCE_S) as answer:
            return json.load(answer)

    def kill(self) -> None:
        """SIGKILL."""
        self.process.kill()
        self.process.wait()

    def end(self) -> None:
        """End it in good order, if it has not ended."""
        self.process.send_signal(signal.SIGINT)
        self.process.wait(PATIENCE_S)


@contextmanager
def serving(
    *command: str, folder: Path, port: int | None = None, environment: Mapping[str, str] | None = None
) -> Iterator[Served]:
    """`plctl` with `command` and `--http`, from when it can be asked until the block ends."""
    port = port or free_port()
    log = folder / f"http-{port}.log"
    arguments = [*PLCTL, *command]
    at = arguments.index("--") if "--" in arguments else len(arguments)
    arguments[at:at] = ["--http", f"127.0.0.1:{port}"]
    with log.open("ab") as out:
        process = subprocess.Popen(
            arguments, cwd=folder, stdout=out, stderr=out, env={**os.environ, **(environment or {})}
        )
    served = Served(process, log, port)
    try:
        until(lambda: process.poll() is not None or served.answers(), log.read_text)
        assert process.poll() is None, log.read_text()
        yield served
    finally:
        served.end()
