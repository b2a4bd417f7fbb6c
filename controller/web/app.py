"""The application: routes of the API's table, the page's own files, and what turns errors into answers."""

from __future__ import annotations

import importlib.resources
import json
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from plctl.common.base.errors import BusyError, PlctlError, UserError
from plctl.controller.web.access.failures import TooManyFailuresError
from plctl.controller.web.access.gate import Gate, NotAllowedError, NotLoggedInError, require
from plctl.controller.web.access.guard import RequestGuard
from plctl.controller.web.answers import Answers, Question
from plctl.controller.web.routes import ROUTES, ApiRoute, BadRequestError
from plctl.controller.web.sources.source import WebSource

#: The class of an error, the first that fits, and the status that tells of it; any other is 503.
_STATUSES: tuple[tuple[type[PlctlError], int], ...] = (
    (BadRequestError, 400),
    (NotLoggedInError, 401),
    (NotAllowedError, 403),
    (TooManyFailuresError, 429),
    (BusyError, 409),
    (UserError, 404),
)


def make_app(source: WebSource, gate: Gate, *, only_loopback: bool = True, https: bool = False) -> Starlette:
    """The application over `source` for those whom `gate` lets in; the rest is how it is reached."""
    answers = Answers(source, gate)
    guard = Middleware(RequestGuard, only_loopback=only_loopback, https=https)
    routes: list[BaseRoute] = [_route(route, answers, gate) for route in ROUTES]
    routes += [Route("/healthz", _health, methods=["GET"]), *_page_routes()]
    handlers = {HTTPException: _told, Exception: _broke}
    return Starlette(routes=routes, middleware=[guard], exception_handlers=handlers)  # type: ignore[arg-type]  # its own


def _route(route: ApiRoute, answers: Answers, gate: Gate) -> Route:
    answer: Callable[[Question], Awaitable[Any]] = getattr(answers, route.name)

    async def serve(request: Request) -> Response:
        try:
            visitor = gate.visitor(request)
            if route.audience != "anybody":
                require(visitor, route.audience)
            if route.method == "POST" and route.name != "login":
                gate.check_csrf(request, visitor)
            given = {"path": request.path_params, "query": request.query_params}
            values = {each.name: each.parse(given[each.where].get(each.name)) for each in route.parameters}
            found = await answer(Question(request, visitor, values))
        except PlctlError as error:
            return _refused(error)
        return found if isinstance(found, Response) else _document(found, route.status)

    return Route(route.address, serve, methods=[route.method])


def _document(found: Any, status: int = 200) -> Response:
    text = json.dumps(found, separators=(",", ":"), allow_nan=False)
    return Response(text, status, media_type="application/json")


def _refused(error: PlctlError) -> Response:
    status = next((status for kind, status in _STATUSES if isinstance(error, kind)), 503)
    answer = _document({"error": str(error)}, status)
    if isinstance(error, TooManyFailuresError):
        answer.headers["Retry-After"] = str(error.wait_s)
    if isinstance(error, NotLoggedInError):
        answer.headers["WWW-Authenticate"] = "Bearer"
    return answer


async def _told(_: Request, error: HTTPException) -> Response:
    """What the framework refuses: there is no such path, or not with this method."""
    answer = _document({"error": f"{error.detail}".lower()}, error.status_code)
    answer.headers.update(error.headers or {})
    return answer


async def _broke(_: Request, error: Exception) -> Response:
    """A bug of ours; its traceback is in the server's log."""
    return _document({"error": f"a bug in plctl, see its log: {type(error).__name__}"}, 500)


async def _health(_: Request) -> Response:
    return PlainTextResponse("ok\n")


def _page_routes() -> list[BaseRoute]:
    """The page itself, which is files of the package."""
    folder = importlib.resources.files("plctl.controller.page") / "static"

    async def index(_: Request) -> Response:
        return FileResponse(str(folder / "index.html"), headers={"Cache-Control": "no-cache"})

    return [Route("/", index, methods=["GET"]), Mount("/static", _PageFiles(directory=str(folder)))]


class _PageFiles(StaticFiles):
    """A browser asks for them anew each time, because they change with the version of plctl."""

    def file_response(self, *arguments: Any, **named: Any) -> Response:
        answer = super().file_response(*arguments, **named)
        answer.headers["Cache-Control"] = "no-cache"
        return answer
