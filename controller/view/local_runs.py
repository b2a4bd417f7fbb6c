"""The runs whose folders are here: what `plctl run` left without a controller, or `plctl fetch` with one.

A run that goes on in another terminal can be watched, too: its folder is readable at every moment. One whose writer was
killed is told from one that goes on by the lock that died with it.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from plctl.common.base.errors import PlctlError, UserError
from plctl.common.base.names import is_file_name
from plctl.common.protocol import requests as rq
from plctl.controller.lifecycle.run_events import RunPhase
from plctl.controller.lifecycle.waits import Waits
from plctl.controller.results.event_log import Event
from plctl.controller.results.run_files import list_files, read_file
from plctl.controller.results.run_reader import RUN_NAME, is_open, read_events, read_record
from plctl.controller.results.run_record import LinkRecord, RunRecord
from plctl.controller.view.live_state import named
from plctl.controller.view.run_source import BROKEN_OFF

if TYPE_CHECKING:
    from plctl.controller.view.live_samples import LiveValues

_BROKEN_OFF_CAUSE = (
    "nobody writes to its folder any more: its plctl was killed, or it was fetched before its end. What it wrote until "
    "then is there; `plctl clean` takes away what it may have left on this machine"
)


class LocalRuns:
    """A `RunSource` over the folders below one."""

    def __init__(self, base: Path) -> None:
        self._base = base
        self._over: set[str] = set()
        self.place = str(base)

    def folder(self, run: str) -> Path:
        """Where `run` is, or would be.

        :raises UserError: no folder can be called so.
        """
        if is_file_name(run):
            return self._base / run
        raise UserError(f"no run in {self.place} is called {run!r:.80}")

    async def runs(self, limit: int) -> tuple[rq.RunInfo, ...]:
        found: list[rq.RunInfo] = []
        for path in sorted(self._base.glob(f"*/{RUN_NAME}"), reverse=True):  # an id begins with its time
            if len(found) == limit:
                break
            try:
                found.append(run_info(read_record(path.parent), path.parent))
            except PlctlError as error:
                found.append(rq.RunInfo(path.parent.name, "", "unreadable", "", "", 0, (), cause=str(error)))
        return tuple(found)

    async def state(self, run: str) -> rq.RunState:
        record = read_record(self.folder(run))
        live = {} if record.verdict else self._read_live(run, record)
        events = read_events(self.folder(run))
        states, now_ns = _last_states(events), time.monotonic_ns()
        return rq.RunState(
            info=run_info(record, self.folder(run)),
            duration_ns=record.duration_ns,
            t0_ns=record.t0_ns or 0,
            now_ns=now_ns if is_open(self.folder(run)) else _last_moment_ns(record, events, live),
            links=tuple(_link_state(link, states, live) for link in record.links),
            waits=_waits(record, events, now_ns) if self._goes_on(record) else "",
        )

    async def link(self, run: str, link: str) -> rq.LinkState:
        record = read_record(self.folder(run))
        for each in record.links:
            if each.plan.name == link:
                states = _last_states(read_events(self.folder(run)))
                return _link_state(each, states, self._read_live(run, record, [link]))
        raise UserError(f"{run} has no link {link!r:.80}")

    async def files(self, run: str) -> tuple[rq.FileInfo, ...]:
        return list_files(self.folder(run)).files

    async def read(self, run: str, path: str, offset: int = 0, length: int = rq.MAX_FILE_PART) -> rq.FilePart:
        return read_file(self.folder(run), path, offset, length, over=self._is_over(run))

    def _read_live(self, run: str, record: RunRecord, links: Sequence[str] | None = None) -> LiveValues:
        from plctl.controller.view.live_samples import read_live  # noqa: PLC0415  # pyarrow, which a listing does without

        return read_live(self.folder(run), record, links)

    def _goes_on(self, record: RunRecord) -> bool:
        return not record.verdict and is_open(self.folder(record.run))

    def _is_over(self, run: str) -> bool:
        if run not in self._over and (read_record(self.folder(run)).verdict or not is_open(self.folder(run))):
            self._over.add(run)
        return run in self._over


def _last_states(events: Iterable[Event]) -> dict[str, tuple[str, str]]:
    """The last state of each link in the log, and its cause."""
    states: dict[str, tuple[str, str]] = {}
    for event in events:
        if (name := str(event.get("event", ""))).startswith("link.") and event.get("link"):
            states[str(event["link"])] = name.removeprefix("link."), str(event.get("cause", ""))
    return states


def _last_moment_ns(record: RunRecord, events: Iterable[Event], live: LiveValues) -> int:
    """The last instant, on the controller's clock, that a folder tells of which nobody writes any more."""
    offsets = {link.plan.name: record.host(link.host).clock_offset_ns or 0 for link in record.links}
    sampled = (named(values)["t_ns"] + offsets[link] for (link, _), values in live.items())
    return max([0, *sampled, *(int(event.get("t_ns", 0)) for event in events)])


def _waits(record: RunRecord, events: Iterable[Event], now_ns: int) -> str:
    """What a run that goes on on this machine waits for."""
    waits = Waits(((link.host, link.plan) for link in record.links), record.duration_ns)
    for event in events:
        name, host, link = (str(event.get(key, "")) for key in ("event", "host", "link"))
        waits.note(name, host, link, event)
    return waits.told(now_ns, record.t0_ns or 0)


def _link_state(link: LinkRecord, states: dict[str, tuple[str, str]], live: LiveValues) -> rq.LinkState:
    name = link.plan.name
    state, cause = (link.verdict, link.cause) if link.verdict else states.get(name, ("waiting", ""))
    return rq.LinkState(name, link.host, state, cause, live.get((name, "up"), ()), live.get((name, "down"), ()))


def run_info(record: RunRecord, folder: Path) -> rq.RunInfo:
    """What a list says of the run in `folder`, whose record this is."""
    broken_off = not record.verdict and not is_open(folder)
    phase = RunPhase.DONE if record.verdict else RunPhase.RUNNING if record.t0_ns else RunPhase.PREPARING
    return rq.RunInfo(
        run=folder.name,  # by which it is asked for; a folder may have been renamed, and its record come from anybody
        name=record.name,
        phase=BROKEN_OFF if broken_off else str(phase),
        submitted_by="",
        submitted_utc=record.created_utc,
        links=len(record.links),
        hosts=_distinct(link.host for link in record.links),
        verdict=record.verdict,
        cause=_BROKEN_OFF_CAUSE if broken_off else record.cause,
        labels=record.labels,
        retry_of=record.attempts[-1].run if record.attempts else "",
        retried_as=_retried_as(record, folder),
    )


def _retried_as(record: RunRecord, folder: Path) -> str:
    """The attempt after this one, if its folder lies beside this one's."""
    first = record.attempts[0].run if record.attempts else record.run
    later = f"{first}-{len(record.attempts) + 2}"
    return later if record.setback and (folder.parent / later / RUN_NAME).exists() else ""


def _distinct(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))
