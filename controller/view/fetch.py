"""Copies a run's folder from a controller, so that it can be used like one that was made here.

A file grows as NAME.part and gets its name when it is whole, and run.json comes last: a copy that was broken off is
never taken for a complete one, and goes on where it stopped.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from pathlib import Path, PurePosixPath

from plctl.common.base.errors import KernelError, ProtocolError, UserError, WorldError
from plctl.common.base.names import is_file_name
from plctl.common.protocol.requests import MAX_FILE_PART, FileInfo, FilePart
from plctl.controller.results.run_reader import RUN_NAME
from plctl.controller.view.follow import is_over
from plctl.controller.view.run_source import RunSource

#: Questions that are under way at once, so that a long way to the controller costs no time.
_WINDOW = 8

#: Told with every step: bytes that are here, bytes in all.
Progress = Callable[[int, int], None]


async def fetch(source: RunSource, run: str, base: Path, progress: Progress) -> Path:
    """Copy the folder of `run` to `base`/`run`, what is there already excepted; the copy.

    :raises UserError: the run goes on, or there is none.
    :raises ProtocolError: a name that the controller gives would lead out of that folder.
    :raises WorldError: the controller is lost, or a file changes meanwhile.
    :raises KernelError: it cannot be written here.
    """
    if not is_over(await source.state(run)):
        raise UserError(f"{run} goes on; follow it with: plctl show {run} --follow")
    if not is_file_name(run):
        raise ProtocolError(f"the controller has a run {run!r:.80}, which cannot be the name of a folder here")
    folder = base / run
    files = sorted(await source.files(run), key=lambda file: (file.path == RUN_NAME, file.path))
    total, here = sum(file.size for file in files), 0
    for file in files:
        target = _target(folder, file.path)
        async for count in _copy(source, run, file, target):
            here += count
            progress(here, total)
    return folder


def _target(folder: Path, path: str) -> Path:
    """Where the file `path` belongs.

    :raises ProtocolError: that would be outside of `folder`.
    """
    parts = PurePosixPath(path).parts
    if not parts or ".." in parts or parts[0] == "/":
        raise ProtocolError(f"the controller has a file {path!r:.80}, which does not belong into a folder")
    return folder.joinpath(*parts)


async def _copy(source: RunSource, run: str, file: FileInfo, target: Path) -> AsyncIterator[int]:
    """Bring `file` to `target`; the bytes that each step added or found to be there."""
    if target.is_file() and target.stat().st_size == file.size:
        yield file.size
        return
    part = target.with_name(target.name + ".part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with part.open("ab") as copy:
            if copy.tell() > file.size:
                copy.truncate(0)
            yield (start := copy.seek(0, 2))
            async for data in _parts(source, run, file, start):
                copy.write(data)
                yield len(data)
        part.replace(target)
    except OSError as error:
        raise KernelError.from_os(f"write {target}", error) from error


async def _parts(source: RunSource, run: str, file: FileInfo, start: int) -> AsyncIterator[bytes]:
    """The contents of `file` from `start` on, in order; several parts are asked for at once."""
    offsets = deque(range(start, file.size, MAX_FILE_PART))
    asked: deque[asyncio.Task[FilePart]] = deque()
    try:
        while offsets or asked:
            while offsets and len(asked) < _WINDOW:
                asked.append(asyncio.create_task(source.read(run, file.path, offsets.popleft())))
            part = await asked.popleft()
            if part.size != file.size or not part.data:
                raise WorldError(f"{file.path} of {run} changed while it was fetched; fetch it again")
            yield part.data
    finally:
        for task in asked:
            task.cancel()
        await asyncio.gather(*asked, return_exceptions=True)
