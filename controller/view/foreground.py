"""Shows the one program of a bare run as if it had been called right here: what it prints comes out as it prints it.

To a terminal control characters are written out, but for those that end lines; to a file or a pipe go the program's own
bytes, so that `plctl run leo.csv -- iperf3 -c {server} -J > result.json` gives a JSON document.
"""

from __future__ import annotations

import asyncio
import codecs
import sys
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from rich.console import Console

from plctl.common.base.printable import printable
from plctl.common.telemetry.samples import Samples
from plctl.controller.results.run_reader import ARTIFACTS_NAME
from plctl.controller.view.screen import say

#: Reads a file of the run from an offset on; nothing if there is no more, or no such file yet.
Read = Callable[[str, int], Awaitable[bytes]]

_KEPT = "\n\t\r"


class Foreground:
    """Passes on what the workload `name` of `link` writes to its standard output and error."""

    def __init__(self, link: str, name: str) -> None:
        path = f"{ARTIFACTS_NAME}/{link}/{name}"
        self._outputs = [_Output(f"{path}.stdout", "stdout"), _Output(f"{path}.stderr", "stderr")]

    async def pump(self, read: Read) -> None:
        """Pass on all that is new. In a thread: whoever reads us slowly holds up nothing but this."""
        for output in self._outputs:
            while data := await read(output.path, output.offset):
                output.offset += len(data)
                await asyncio.to_thread(output.write, data)


def read_below(folder: Path) -> Read:
    """Reads files below `folder`."""

    async def read(path: str, offset: int) -> bytes:
        with suppress(FileNotFoundError), (folder / path).open("rb") as file:
            file.seek(offset)
            return file.read(65536)
        return b""

    return read


class ForegroundView:
    """A view of a run whose program has the terminal: only what must be said beside it, on `console`."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def __enter__(self) -> ForegroundView:
        return self

    def __exit__(self, *_: object) -> None:
        return

    def say(self, sentence: str) -> None:
        """Print a sentence."""
        say(self._console, sentence)

    def set_phase(self, phase: str) -> None:
        """The program's output says enough."""

    def start(self, t0_ns: int) -> None:
        """Likewise."""

    def update(self, samples: Samples) -> None:
        """Likewise."""

    def tick(self) -> None:
        """Likewise."""

    def note(self, event: str, host: str, link: str, facts: Mapping[str, object]) -> None:  # noqa: ARG002  (a view's)
        """Print why the link failed, if it did."""
        if event == "link.failed":
            self.say(f"{link}: failed: {facts.get('cause', '')}")


class _Output:
    """One of the program's two streams, on its way to ours."""

    def __init__(self, path: str, stream: str) -> None:
        self.path = path
        self.offset = 0
        self._stream = stream
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def write(self, data: bytes) -> None:
        stream: Any = getattr(sys, self._stream)
        if stream.isatty():
            stream.write(printable(self._decoder.decode(data), keep=_KEPT))
        else:
            stream.flush()
            stream.buffer.write(data)
        stream.flush()
