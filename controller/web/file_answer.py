"""Sends a file of a run: as a download, or the report in a sandbox where nothing in it can run, load or be sent."""

from __future__ import annotations

import asyncio
import mimetypes
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import BinaryIO
from urllib.parse import quote

from starlette.responses import Response, StreamingResponse

from plctl.controller.results.run_files import open_file
from plctl.controller.results.run_reader import REPORT_NAME
from plctl.controller.web.access.guard import SANDBOX

_PART_BYTES = 2**18


def file_answer(folder: Path, path: str) -> Response:
    """The file `path` of the run in `folder`, as long as it is now.

    :raises UserError: there is no such file.
    """
    file = open_file(folder, path)
    size = os.fstat(file.fileno()).st_size
    shown = path == REPORT_NAME
    name = quote(path.rpartition("/")[2], safe="")
    headers = {
        "Content-Length": str(size),
        "Content-Disposition": "inline" if shown else f"attachment; filename*=UTF-8''{name}",
        "Content-Security-Policy": SANDBOX,
    }
    kind = "text/html; charset=utf-8" if shown else _kind(path)
    return StreamingResponse(_parts(file, size), headers=headers, media_type=kind)


def _kind(path: str) -> str:
    """What a browser may take the file for: nothing that it would show as a page."""
    guessed = mimetypes.guess_type(path)[0] or ""
    return guessed if guessed in ("application/json", "text/csv", "image/png") else "application/octet-stream"


async def _parts(file: BinaryIO, size: int) -> AsyncIterator[bytes]:
    with file:
        while size > 0 and (data := await asyncio.to_thread(file.read, min(size, _PART_BYTES))):
            size -= len(data)
            yield data
