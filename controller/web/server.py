"""Serves the page beside whatever else the process does, in the same event loop."""

from __future__ import annotations

import asyncio
import logging
import socket
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass

import uvicorn

from plctl.common.base.errors import WorldError
from plctl.common.base.http_address import HttpAddress
from plctl.controller.web.access.gate import Gate
from plctl.controller.web.access.tls import ServerCertificate
from plctl.controller.web.access.tokens import TokenStore
from plctl.controller.web.app import make_app
from plctl.controller.web.sources.source import WebSource

#: How long open answers may take to end once the server is to.
_LEAVE_S = 1
#: How long a thread that computes may keep the event loop waiting each time that it has let go of the interpreter, as
#: it does in every system call; Python's 5 ms make an answer of ten such calls wait for 50.
_SWITCH_S = 0.0005
#: Connections at a time: browsers hold some each, and the streams have a bound of their own.
_MOST_CONNECTIONS = 512
_IDLE_S = 15
_LOGGER = "uvicorn"

#: Hears of what went wrong in the server, which no request is told: a traceback.
Complain = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class WebOptions:
    """How the page is served."""

    address: HttpAddress
    listening: socket.socket
    store: TokenStore  #: whose tokens let in
    accounts: frozenset[int] = frozenset()  #: of this machine, that need none
    certificate: ServerCertificate | None = None  #: None: without TLS

    @property
    def url(self) -> str:
        """Where it is."""
        host = f"[{self.address.host}]" if ":" in self.address.host else self.address.host
        if self.address.host in ("0.0.0.0", "::"):
            host = socket.gethostname()
        return f"http{'s' * bool(self.certificate)}://{host}:{self.listening.getsockname()[1]}/"

    @property
    def told(self) -> str:
        """Where it is and how to know it, for people."""
        known = f" (certificate SHA-256 {self.certificate.fingerprint})" if self.certificate else ""
        return self.url + known


class _Server(uvicorn.Server):
    """Leaves signals to whoever runs the event loop."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class _Complaints(logging.Handler):
    """Passes on what uvicorn says went wrong."""

    def __init__(self, complain: Complain) -> None:
        super().__init__(logging.ERROR)
        self._complain = complain

    def emit(self, record: logging.LogRecord) -> None:
        if record.exc_info and not isinstance(record.exc_info[1], asyncio.CancelledError):  # cut off by our leaving
            self._complain(self.format(record))


@asynccontextmanager
async def serving(source: WebSource, options: WebOptions, complain: Complain | None = None) -> AsyncIterator[str]:
    """Serve `source` within the block; where, as a URL.

    :param complain: hears of bugs in the server.
    """
    with _heard(complain or (lambda _: None)), _quick_turns():
        server = _Server(_config(source, options))
        task = asyncio.create_task(server.serve([options.listening.dup()]))  # which it closes
        try:
            yield options.url
        finally:
            server.should_exit = True
            await asyncio.wait({task})
            if error := task.exception():
                raise WorldError(f"the page's server ended: {error}") from error


def _config(source: WebSource, options: WebOptions) -> uvicorn.Config:
    certificate = options.certificate
    app = make_app(
        source,
        Gate(options.store, options.accounts),
        only_loopback=options.address.only_loopback,
        https=certificate is not None,
    )
    return uvicorn.Config(
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
        ssl_certfile=str(certificate.certificate) if certificate else None,
        ssl_keyfile=str(certificate.key) if certificate else None,
    )


@contextmanager
def _quick_turns() -> Iterator[None]:
    """Let the event loop have its turn soon beside the threads that read files and write metrics for the page."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(_SWITCH_S)
    try:
        yield
    finally:
        sys.setswitchinterval(before)


@contextmanager
def _heard(complain: Complain) -> Iterator[None]:
    """Keep uvicorn from writing to standard error, which belongs to the command."""
    logger, handler = logging.getLogger(_LOGGER), _Complaints(complain)
    before = logger.propagate
    logger.addHandler(handler)
    logger.propagate = False
    try:
        yield
    finally:
        logger.propagate = before
        logger.removeHandler(handler)
