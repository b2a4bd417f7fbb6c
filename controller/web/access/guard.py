"""Checks every request before anything else, and adds to every answer what a browser may do with it."""

from __future__ import annotations

import json
import re
from http import HTTPStatus

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from plctl.common.base.http_address import is_loopback

#: Nothing but the page's own files, and no frame around it.
CONTENT_SECURITY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'self'"
)
#: A file of a run that is shown: it can draw, but neither run nor load nor send anything.
SANDBOX = (
    "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'none'; base-uri 'none'; "
    "form-action 'none'"
)
_ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=()",
}
_METHODS = ("GET", "HEAD", "POST")
_HOST = re.compile(r"(?P<name>[A-Za-z0-9.-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(:[0-9]{1,5})?")


class RequestGuard:
    """Refuses what another site's page asks, and, where nobody logs in, what is asked under another name than ours."""

    def __init__(self, app: ASGIApp, *, only_loopback: bool, https: bool) -> None:
        """`only_loopback`: a request under another name than loopback's is refused, as anybody's DNS may point here."""
        self._app = app
        self._only_loopback = only_loopback
        self._scheme = "https" if https else "http"
        self._always = _ALWAYS

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(raw=message["headers"])
                for name, value in self._always.items():
                    headers[name] = value
                headers.setdefault("Content-Security-Policy", CONTENT_SECURITY)
                headers.setdefault("Cache-Control", "no-store")
                message["headers"] = headers.raw
            await send(message)

        if fault := self._fault(scope):
            await _refuse(send_guarded, *fault)
        else:
            await self._app(scope, receive, send_guarded)

    def _fault(self, scope: Scope) -> tuple[int, str] | None:
        """Why the request is refused: a status and a sentence."""
        headers = Headers(scope=scope)
        if scope["method"] not in _METHODS:
            return 405, f"{scope['method']!r:.20} is no method of this server's"
        hosts = headers.getlist("host")
        matched = _HOST.fullmatch(hosts[0]) if len(hosts) == 1 else None
        if not matched:
            return 400, "the request has no Host, or one that is none"
        if self._only_loopback and not is_loopback(matched["name"]):
            return 421, f"this server is {self._scheme}://localhost, not {hosts[0]:.80}: only this machine may ask it"
        origins = headers.getlist("origin")
        if any(origin != f"{self._scheme}://{hosts[0]}" for origin in origins):
            return 403, "the request comes from a page of another site"
        site = headers.get("sec-fetch-site", "none")
        navigates = headers.get("sec-fetch-mode") == "navigate" and scope["method"] == "GET"
        if site not in ("none", "same-origin") and not (navigates and scope["path"] == "/"):
            return 403, "the request comes from a page of another site"
        return None


async def _refuse(send: Send, status: int, sentence: str) -> None:
    body = json.dumps({"error": sentence}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    if status == HTTPStatus.METHOD_NOT_ALLOWED:
        headers.append((b"allow", ", ".join(_METHODS).encode()))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
