"""Runs to look at, wherever they are: one interface, over a controller or over folders here.

What is asked and answered has the types of `plctl.common.protocol.requests`, so a command need not know which of
the two it has. `open_source` finds out what a user means by a controller and by RUN.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Protocol, TypeVar

from plctl.common.base.errors import ProtocolError, UserError
from plctl.common.cli.terminal import echo
from plctl.common.client.options import Reach
from plctl.common.protocol import requests as rq
from plctl.controller.results import run_record
from plctl.controller.results.event_log import Event, from_lines, merge
from plctl.controller.results.run_reader import EVENTS_NAME, RUN_NAME
from plctl.controller.results.run_record import RunRecord

#: What stands for the newest run.
LAST = "last"
#: The phase of a run without a verdict to whose folder nobody writes.
BROKEN_OFF = "broken off"
#: Runs that are looked through for one that a user means.
_SEARCHED = 1000

T = TypeVar("T")


class RunSource(Protocol):
    """Where runs are. Every method raises `UserError` for a run or a file that is not there."""

    @property
    def place(self) -> str:
        """Where, for people."""

    def folder(self, run: str) -> Path | None:
        """The run's folder, where it is on this machine."""

    async def runs(self, limit: int) -> tuple[rq.RunInfo, ...]:
        """The newest runs, the newest first."""

    async def state(self, run: str) -> rq.RunState:
        """How the run is right now."""

    async def link(self, run: str, link: str) -> rq.LinkState:
        """How one link of it is, or was when last heard of."""

    async def files(self, run: str) -> tuple[rq.FileInfo, ...]:
        """What it has left so far, by path."""

    async def read(self, run: str, path: str, offset: int = 0, length: int = rq.MAX_FILE_PART) -> rq.FilePart:
        """A part of a file; a negative `offset` counts from its end."""


@asynccontextmanager
async def open_source(reach: Reach, base: Path, word: str = LAST) -> AsyncIterator[tuple[RunSource, str]]:
    """Where the run is that a user calls `word`, and its id; for `LAST` that may be empty.

    A path to a run's folder is what it says. Else it is the controller's, if there is one, or in a folder below `base`.

    :raises UserError: no run, or more than one, is called so.
    """
    from plctl.controller.view.local_runs import LocalRuns  # noqa: PLC0415  # it implements what is declared here

    if (path := Path(word)).name and (path / RUN_NAME).is_file():
        yield LocalRuns(path.resolve().parent), path.resolve().name
    elif access := reach.find():
        from plctl.common.client.controller_client import connect  # noqa: PLC0415  # ZeroMQ, only where there is one
        from plctl.controller.view.remote_runs import RemoteRuns  # noqa: PLC0415

        async with connect(access, lambda sentence: echo(sentence, err=True)) as client:
            source: RunSource = RemoteRuns(client, access.address)
            yield source, await find_run(source, word)
    else:
        source = LocalRuns(base)
        yield source, await find_run(source, word)


async def find_run(source: RunSource, word: str) -> str:
    """The id of the run that `word` means: the id, its beginning or its end, a folder that is called so, or `LAST`.

    For `LAST` it may be empty.

    :raises UserError: no run, or more than one, is called so.
    """
    known = [info.run for info in await source.runs(1 if word == LAST else _SEARCHED)]
    return choose_run(known, word, source.place)


def choose_run(known: Sequence[str], word: str, place: str) -> str:
    """As `find_run`, of the ids in `known`, the newest first. Of a path its last part counts."""
    if word == LAST:
        return known[0] if known else ""
    word = Path(word).name or word
    if word in known:
        return word
    found = [run for run in known if word and (run.startswith(word) or run.endswith(word))]
    if len(found) == 1:
        return found[0]
    if found:
        raise UserError(f"{word!r:.80} can mean {len(found)} runs: {', '.join(found[:5])}{' …' * (len(found) > 5)}")
    raise UserError(f"no run in {place} is called {word!r:.80}; plctl runs lists them")


def find_folder(base: Path, word: str) -> Path:
    """The folder on this machine of the run that a user calls `word`, as for `open_source`; a path is what it says.

    :raises UserError: no run, or more than one, is called so.
    """
    from plctl.controller.view.local_runs import LocalRuns  # noqa: PLC0415  # it implements what is declared here

    if "/" in word or Path(word).is_dir():
        return Path(word)
    source = LocalRuns(base)
    try:
        return source.folder(require_run(asyncio.run(find_run(source, word)), source))
    except UserError as error:
        raise UserError(f"{error}; a controller's is copied here by: plctl fetch {word}") from None


def require_run(run: str, source: RunSource) -> str:
    """`run`, if there is one.

    :raises UserError: there is none yet.
    """
    if run:
        return run
    raise UserError(f"there is no run in {source.place} yet")


async def read_whole(source: RunSource, run: str, path: str) -> bytes:
    """All of a file as it is now."""
    parts: list[bytes] = []
    offset = 0
    while part := await source.read(run, path, offset):
        parts.append(part.data)
        offset += len(part.data)
        if not part.data or offset >= part.size:
            break
    return b"".join(parts)


async def read_record(source: RunSource, run: str) -> RunRecord:
    """What the run says of itself.

    :raises UserError: its record cannot be read.
    """
    text = (await read_whole(source, run, RUN_NAME)).decode(errors="replace")
    try:
        return await asyncio.to_thread(run_record.from_json, text)  # a thousand links take a while
    except (ValueError, ProtocolError) as error:
        raise UserError(f"{RUN_NAME} of {run} in {source.place} is not a run's record: {error}") from None


async def read_events(source: RunSource, run: str) -> list[Event]:
    """Its log as it is now, in the order of the controller's clock."""
    text = (await read_whole(source, run, EVENTS_NAME)).decode(errors="replace")
    return merge(from_lines(text.splitlines()))


def look(reach: Reach, base: Path, word: str, work: Callable[[RunSource, str], Awaitable[T]]) -> T:
    """What `work` makes of the run that a user calls `word`; see `open_source`."""

    async def find_and_work() -> T:
        async with open_source(reach, base, word) as (source, run):
            return await work(source, require_run(run, source))

    return asyncio.run(find_and_work())
