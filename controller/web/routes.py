"""The API as one table: what is asked where, by whom and how. What serves it and its OpenAPI document follow."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Literal

from plctl.common.base.errors import UserError

API = "/api/v1"
#: Longest text of a parameter, in characters.
MOST_TEXT = 512
_INTEGER = re.compile(r"-?[0-9]{1,18}")
_NUMBER = re.compile(r"-?[0-9]{1,18}(\.[0-9]{1,30})?([eE][-+]?[0-9]{1,3})?")

ParameterKind = Literal["text", "integer", "number"]
#: Who may ask: anybody, whoever is logged in, or operators only.
Audience = Literal["anybody", "viewer", "operator"]


class BadRequestError(UserError):
    """What was asked is not a question of the API."""


@dataclass(frozen=True, slots=True)
class ApiParameter:
    """One parameter of a path or a query."""

    name: str
    kind: ParameterKind
    doc: str
    where: Literal["path", "query"] = "query"
    default: str | int | float | None = None
    least: float = 0
    most: float = 10**15
    words: tuple[str, ...] = ()  #: of a text: the only ones; empty: any

    def parse(self, text: str | None) -> Any:
        """The value that `text` says.

        :raises BadRequestError: it says none.
        """
        if text is None:
            return self.default
        if self.kind == "text":
            return self._text(text)
        pattern, make = (_INTEGER, int) if self.kind == "integer" else (_NUMBER, float)
        if not pattern.fullmatch(text) or not self.least <= float(text) <= self.most:
            raise BadRequestError(
                f"{self.name}={text!r:.80} is no {self.kind} from {self.least:.12g} to {self.most:.12g}"
            )
        return make(text)

    def _text(self, text: str) -> str:
        if len(text) > MOST_TEXT or "\0" in text:
            raise BadRequestError(f"{self.name} has more than {MOST_TEXT} characters, or one that is none")
        if self.words and text not in self.words:
            raise BadRequestError(f"{self.name}={text!r:.80} is none of {', '.join(self.words)}")
        return text


@dataclass(frozen=True, slots=True)
class ApiRoute:
    """One question: how it is asked, and what it is answered with."""

    method: Literal["GET", "POST"]
    path: str  #: below `API`
    name: str  #: of the method of `Answers` that answers it
    doc: str
    answer: str  #: what is in the answer
    parameters: tuple[ApiParameter, ...] = ()
    audience: Audience = "viewer"
    media_type: str = "application/json"
    status: int = 200
    #: Answers other than that and those that every route has.
    others: tuple[tuple[int, str], ...] = ()
    base: str = API

    @property
    def address(self) -> str:
        """The whole path."""
        return self.base + self.path


_RUN = ApiParameter("run", "text", "Id of a run.", where="path")
_LINK = ApiParameter("link", "text", "Name of a link.", where="path")

ROUTES = (
    ApiRoute("GET", "/session", "session", "Who asks, and what they may do.",
             "role (null: not logged in), can_cancel, login (whether one is needed), csrf, version, source, now_ns",
             audience="anybody"),
    ApiRoute("POST", "/login", "login", "Log in with a token, which is `token` of the JSON body.",
             "As /session; a cookie goes with it.", audience="anybody",
             others=((401, "no such token"), (429, "too many attempts; Retry-After says when to try again"))),
    ApiRoute("POST", "/logout", "logout", "Forget the session.", "As /session.", audience="anybody"),
    ApiRoute("GET", "/agents", "agents", "The agents.", "As `plctl agents --json`."),
    ApiRoute("GET", "/runs", "runs", "The newest runs.", "As `plctl runs --json`.",
             (ApiParameter("limit", "integer", "At most so many.", default=50, least=1, most=1000),)),
    ApiRoute("GET", "/runs/{run}", "run", "How a run is, or what came of it.", "As `plctl show RUN --json`.", (_RUN,)),
    ApiRoute("GET", "/runs/{run}/why", "why", "Why a link, or which links, are not ok.",
             "With link: as `plctl why LINK --json`, and lines for people; else the links that are not ok.",
             (_RUN, ApiParameter("link", "text", "Name of a link."))),
    ApiRoute("GET", "/runs/{run}/events", "events", "The log of a run.",
             "events, as `plctl events --json`, each with text and after_t0_s; next: what to ask for after these.",
             (_RUN, ApiParameter("after", "integer", "`next` of the answer before.", default=0))),
    ApiRoute("GET", "/runs/{run}/links/{link}", "link", "What a link was asked beside what it did.",
             "For up and down, asked as steps and measured as points; null where nothing is known.",
             (_RUN, _LINK,
              ApiParameter("from_s", "number", "Seconds after T0.", least=-10**9),
              ApiParameter("to_s", "number", "Seconds after T0.", least=-10**9),
              ApiParameter("points", "integer", "At most about so many; sums stay sums and extremes extremes.",
                        default=500, least=10, most=5000))),
    ApiRoute("GET", "/runs/{run}/matrix", "matrix", "A row for each link.", "links: what each is doing now.", (_RUN,)),
    ApiRoute("GET", "/runs/{run}/output/{link}/{workload}", "output", "What a workload has printed.",
             "text, offset, next (what to ask for after this), ended.",
             (_RUN, _LINK, ApiParameter("workload", "text", "Name of a workload.", where="path"),
              ApiParameter("stream", "text", "Which of both.", default="stdout", words=("stdout", "stderr")),
              ApiParameter("offset", "integer", "First byte; negative: so many before the end.", default=0,
                        least=-10**9))),
    ApiRoute("GET", "/runs/{run}/files", "files", "The files of a run.", "A list of path and size in bytes.", (_RUN,)),
    ApiRoute("GET", "/runs/{run}/files/{path:path}", "file", "A file of a run.", "The file, as a download.",
             (_RUN, ApiParameter("path", "text", "Path within the run's folder.", where="path")),
             media_type="application/octet-stream"),
    ApiRoute("POST", "/runs/{run}/cancel", "cancel", "End a run in good order.", "what: what is being done.", (_RUN,),
             audience="operator", status=202, others=((409, "it is over, or not to be ended from here"),)),
    ApiRoute("GET", "/studies", "studies", "The studies.", "As `plctl study list --json`."),
    ApiRoute("GET", "/studies/{name}", "study", "How a study stands.", "As `plctl study status NAME --json`.",
             (ApiParameter("name", "text", "Name of a study.", where="path"),)),
    ApiRoute("POST", "/studies/{name}/cancel", "cancel_study", "End a study in good order.",
             "what: what is being done.", (ApiParameter("name", "text", "Name of a study.", where="path"),),
             audience="operator", status=202,
             others=((409, "it is over, or not to be ended from here"),)),
    ApiRoute("GET", "/stream", "stream", "Agents, runs and studies as they change.",
             "Events agents, runs, studies (the documents of these routes) and ping.", media_type="text/event-stream",
             others=((503, "too many streams are open"),)),
    ApiRoute("GET", "/runs/{run}/stream", "run_stream", "A run as it goes on.",
             "Events state, matrix (rows that changed), sample (new points of the links asked for), event, dropped "
             "(points that this reader was too slow for), ping, and end.",
             (_RUN, ApiParameter("links", "text", "Names of links, up to 16, with commas between."),
              ApiParameter("after", "integer", "From which byte of the log on.", default=0)),
             media_type="text/event-stream", others=((503, "too many streams are open"),)),
    ApiRoute("GET", "/metrics", "metrics", "What Prometheus scrapes.", "Prometheus's text format.",
             media_type="text/plain", base=""),
    ApiRoute("GET", "/openapi.json", "openapi", "This document.", "OpenAPI 3.1.", audience="anybody"),
)  # fmt: skip
