"""Knows who asks: by a session's cookie, by a token, or, where only this machine can ask, without either."""

from __future__ import annotations

import hmac
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field

from starlette.requests import HTTPConnection

from plctl.common.base.errors import PlctlError
from plctl.controller.web.access.failures import Failures
from plctl.controller.web.access.tokens import TokenStore, WebRole, WebToken

#: Browsers take a cookie of such a name only from HTTPS, for the whole of one host, and for no other.
COOKIE = "__Host-plctl"
SESSION_S = 12 * 3600
#: Sessions that are kept; the oldest goes.
MOST_SESSIONS = 1000
CSRF_HEADER = "X-CSRF"
_LOCAL = "this machine"


class NotLoggedInError(PlctlError):
    """Nobody is known to ask."""


class NotAllowedError(PlctlError):
    """Who asks may not do this."""


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who asks."""

    name: str = ""
    role: WebRole | None = None  #: None: not logged in
    csrf: str = ""  #: what a change has to show; empty: nothing, since no browser adds a token by itself


@dataclass(frozen=True, slots=True)
class _Session:
    token: WebToken
    csrf: str
    until_s: float
    cookie: str = field(repr=False)


class Gate:
    """Lets in who shows a token of `store`; without a store everybody who can connect, as an operator."""

    def __init__(self, store: TokenStore | None = None, clock_s: Callable[[], float] = time.monotonic) -> None:
        self._store = store
        self._clock_s = clock_s
        self._failures = Failures(clock_s)
        self._sessions: OrderedDict[str, _Session] = OrderedDict()
        self._local = Visitor(_LOCAL, "operator", secrets.token_urlsafe(32))

    @property
    def asks(self) -> bool:
        """Whether one has to log in."""
        return self._store is not None

    def visitor(self, connection: HTTPConnection) -> Visitor:
        """Who asks by `connection`.

        :raises TooManyFailuresError: its address has shown too many wrong tokens.
        """
        if self._store is None:
            return self._local
        scheme, _, token = connection.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            entry = self._check(self._store, token.strip(), address_of(connection))
            return Visitor(entry.name, entry.role) if entry else Visitor()
        session = self._sessions.get(connection.cookies.get(COOKIE, ""))
        if session and session.until_s > self._clock_s() and self._store.is_good(session.token):
            return Visitor(session.token.name, session.token.role, session.csrf)
        return Visitor()

    def check_csrf(self, connection: HTTPConnection, visitor: Visitor) -> None:
        """Return if it was `visitor` who meant to ask, and not a page elsewhere.

        :raises NotAllowedError: what /session said is not shown.
        """
        shown = connection.headers.get(CSRF_HEADER, "")
        if visitor.csrf and not hmac.compare_digest(shown.encode(), visitor.csrf.encode()):
            raise NotAllowedError(f"the header {CSRF_HEADER} does not have what /session said; load the page again")

    def log_in(self, token: str, address: str) -> tuple[Visitor, str]:
        """Who shows `token`, and the cookie of their new session.

        :raises NotLoggedInError: it is none.
        :raises TooManyFailuresError: as `visitor`.
        """
        if self._store is None:
            return self._local, ""
        entry = self._check(self._store, token, address)
        if entry is None:
            raise NotLoggedInError("that is no token; it may have been revoked")
        session = _Session(
            entry, secrets.token_urlsafe(32), self._clock_s() + SESSION_S, cookie=secrets.token_urlsafe(32)
        )
        self._sessions[session.cookie] = session
        while len(self._sessions) > MOST_SESSIONS:
            self._sessions.popitem(last=False)
        return Visitor(entry.name, entry.role, session.csrf), session.cookie

    def log_out(self, connection: HTTPConnection) -> None:
        """Forget the session of who asks."""
        self._sessions.pop(connection.cookies.get(COOKIE, ""), None)

    def _check(self, store: TokenStore, token: str, address: str) -> WebToken | None:
        self._failures.check(address)
        if entry := store.find(token):
            self._failures.forgive(address)
        else:
            self._failures.note(address)
        return entry


def require(visitor: Visitor, role: WebRole) -> None:
    """Return if `visitor` may do what takes `role`.

    :raises NotLoggedInError: nobody is known to ask.
    :raises NotAllowedError: they may not.
    """
    if visitor.role is None:
        raise NotLoggedInError("log in first, with a token of: plctl controller token add NAME --role viewer")
    if role == "operator" and visitor.role != "operator":
        raise NotAllowedError(f"{visitor.name} is a {visitor.role}, who may look but change nothing")


def address_of(connection: HTTPConnection) -> str:
    """From where the connection comes."""
    return connection.client.host if connection.client else ""
