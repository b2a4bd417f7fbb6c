"""Serves the page beside whatever else the process does, in the same event loop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass

import uvicorn

from plctl.common.base.errors import WorldError
from plctl.controller.web.access.gate import Gate
from plctl.controller.web.address import WebAddress, listen
from plctl.controller.web.app import make_app
from plctl.controller.web.sources.source import WebSource

#: How long open answers may take to end once the server is to.
_LEAVE_S = 1
#: Connections at a time: browsers hold some each, and the streams have a bound of their own.
_MOST_CONNECTIONS = 512
_IDLE_S = 15


@dataclass(frozen=True, slots=True)
class WebOptions:
    """How the page is served."""

    address: WebAddress


class _Server(uvicorn.Server):
    """Leaves signals to whoever runs the event loop."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@asynccontextmanager
async def serving(source: WebSource, options: WebOptions) -> AsyncIterator[str]:
    """Serve `source` within the block; where, as a URL.

    :raises UserError: there is no such host.
    :raises KernelError: it cannot be listened on.
    """
    address = options.address
    app = make_app(source, Gate(), only_loopback=address.only_loopback)
    with listen(address) as listening:
        config = uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            lifespan="off",
            server_header=False,
            proxy_headers=False,
            ws="none",
            limit_concurrency=_MOST_CONNECTIONS,
            timeout_keep_alive=_IDLE_S,
            timeout_graceful_shutdown=_LEAVE_S,
        )
        server = _Server(config)
        task = asyncio.create_task(server.serve([listening]))
        try:
            yield _url(address, listening.getsockname()[1])
        finally:
            server.should_exit = True
            await asyncio.wait({task})
            if error := task.exception():
                raise WorldError(f"the page's server ended: {error}") from error


def _url(address: WebAddress, port: int) -> str:
    host = f"[{address.host}]" if ":" in address.host else address.host
    return f"http://{host}:{port}/"
