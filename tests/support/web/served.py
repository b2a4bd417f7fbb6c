"""The page's server on this machine's loopback, over whatever a test has."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path

from support.web.web_client import WebClient

from plctl.controller.web.opening import WebWish, open_web
from plctl.controller.web.server import serving
from plctl.controller.web.sources.folder_source import FolderSource
from plctl.controller.web.sources.source import WebSource


@asynccontextmanager
async def served_source(
    source: WebSource, keys: Path = Path("/nonexistent"), *, login: bool = False
) -> AsyncIterator[WebClient]:
    """A client of a server over `source`; with `login` by TLS, for tokens in `keys`."""
    options = open_web(WebWish("127.0.0.1:0", keys, login=login))
    with options.listening:
        async with serving(source, options) as url:
            yield WebClient(url, tls=_trusting(options.certificate.certificate) if options.certificate else None)


@asynccontextmanager
async def served(base: Path, studies: Path | None = None) -> AsyncIterator[WebClient]:
    """A client of a server over the folders in `base`."""
    with closing(FolderSource(base, studies)) as source:
        async with served_source(source) as client:
            yield client


def _trusting(certificate: Path) -> ssl.SSLContext:
    """Trusts that certificate and no other."""
    return ssl.create_default_context(cafile=str(certificate))
