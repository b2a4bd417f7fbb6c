"""The page's server over a folder with a synthetic run, on this machine's loopback."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path

from support.web.web_client import WebClient

from plctl.controller.web.address import WebAddress
from plctl.controller.web.server import WebOptions, serving
from plctl.controller.web.sources.folder_source import FolderSource


@asynccontextmanager
async def served(base: Path, studies: Path | None = None) -> AsyncIterator[WebClient]:
    """A client of a server over `base`."""
    with closing(FolderSource(base, studies)) as source:
        async with serving(source, WebOptions(WebAddress("127.0.0.1", 0))) as url:
            yield WebClient(url)
