"""Knows who asks: by a session's cookie, by a token, or, on this machine's loopback, by the account that does."""

from __future__ import annotations

import hmac
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable, Collection
from dataclasses import dataclass, field

from starlette.requests import HTTPConnection

from plctl.common.base.errors import PlctlError
from plctl.controller.web.access.account import account_of
from plctl.controller.web.access.failures import Failures
from plctl.controller.web.access.tokens import TokenStore, WebRole, WebToken

#: Browsers take a cookie of such a name only from HTTPS, for the whole of one host, and for no other.
COOKIE = "__Host-plctl"
#: Without HTTPS, with the port behind it: all servers of a host share its cookies.
PLAIN_COOKIE = "plctl-"
SESSION_S = 12 * 3600
#: Sessions that are kept; the oldest goes.
MOST_SESSIONS = 1000
CSRF_HEADER = "X-CSRF"
_LOCAL = "this machine"


class NotLoggedInError(PlctlError):
    """It is not known who asks."""


class NotAllowedError(PlctlError):
    """Whoever asks may not do this."""


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
    """Lets in who shows a token of `store`, and processes of `accounts`, user ids of this machine, as operators."""

    def __init__(
        self, store: TokenStore, accounts: Collection[int] = (), clock_s: Callable[[], float] = time.monotonic
    ) -> None:
        self._store = store
        self._accounts = accounts
        self._clock_s = clock_s
        self._failures = Failures(clock_s)
        self._sessions: OrderedDict[str, _Session] = OrderedDict()
        self._local = Visitor(_LOCAL, "operator", secrets.token_urlsafe(32))

    def has_to_log_in(self, visitor: Visitor) -> bool:
        """Whether `visitor` is nobody without a token."""
        return visitor is not self._local

    def visitor(self, connection: HTTPConnection) -> Visitor:
        """Who asks by `connection`.

        :raises TooManyFailuresError: its address has shown too many wrong tokens.
        """
        scheme, _, token = connection.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            entry = self._check(token.strip(), address_of(connection))
            return Visitor(entry.name, entry.role) if entry else Visitor()
        session = self._sessions.get(connection.cookies.get(cookie_name(connection), ""))
        if session and session.until_s > self._clock_s() and self._store.is_good(session.token):
            return Visitor(session.token.name, session.token.role, session.csrf)
        return self._local if self._is_trusted(connection) else Visitor()

    def remains(self, visitor: Visitor, connection: HTTPConnection) -> bool:
        """Whether `visitor`, who asked by `connection`, still may: tokens are revoked, who opened it stays.

        :raises TooManyFailuresError: as `visitor`.
        """
        return visitor is self._local or self.visitor(connection).role is not None

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
        entry = self._check(token, address)
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
        self._sessions.pop(connection.cookies.get(cookie_name(connection), ""), None)

    def _is_trusted(self, connection: HTTPConnection) -> bool:
        server = connection.scope.get("server")
        if not self._accounts or not connection.client or not server:
            return False
        return account_of((connection.client.host, connection.client.port), tuple(server)) in self._accounts

    def _check(self, token: str, address: str) -> WebToken | None:
        self._failures.check(address)
        if entry := self._store.find(token):
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
        raise NotLoggedInError(
            "log in first, with a token of: plctl controller token add NAME --role viewer; on this machine only the "
            "account that serves the page, and root, need none, unless it was told --login"
        )
    if role == "operator" and visitor.role != "operator":
        raise NotAllowedError(f"{visitor.name} is a {visitor.role}, who may look but change nothing")


def cookie_name(connection: HTTPConnection) -> str:
    """The name of a session's cookie here."""
    return COOKIE if connection.url.scheme == "https" else f"{PLAIN_COOKIE}{connection.url.port or 80}"


def address_of(connection: HTTPConnection) -> str:
    """From where the connection comes."""
    return connection.client.host if connection.client else ""
