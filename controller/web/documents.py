"""The documents of the API: those that the commands print with --json, and what only a page needs."""

from __future__ import annotations

import asyncio
import shlex
from pathlib import Path
from typing import Any

from plctl.common.base.errors import UserError
from plctl.common.base.problems import suggest
from plctl.common.base.units import NS_PER_S, RATE_UNLIMITED
from plctl.common.plan.link_sentence import describe_link
from plctl.common.protocol import requests as rq
from plctl.common.protocol.wire import to_plain
from plctl.common.telemetry.counters import CounterGroup
from plctl.controller.results import event_log
from plctl.controller.results.event_log import Event
from plctl.controller.results.run_reader import ARTIFACTS_NAME, EVENTS_NAME
from plctl.controller.results.run_record import LinkRecord, RunRecord
from plctl.controller.study_folder.journal import is_going_on, read_journal
from plctl.controller.study_folder.study_reader import read_study
from plctl.controller.verdict.verdict import Verdict
from plctl.controller.view import why as why_view
from plctl.controller.view.event_text import details
from plctl.controller.view.live_model import LinkNow
from plctl.controller.view.run_source import RunSource
from plctl.controller.view.study.study_now import study_now
from plctl.controller.view.study.study_words import document as study_document
from plctl.controller.web.curves import TimeSpan, asked_document, measured_link

#: Bytes of a log or of a program's output that one answer carries.
PART_BYTES = 2**18


def agents_document(agents: rq.Agents | None) -> dict[str, Any]:
    """As `plctl agents --json`."""
    found = agents or rq.Agents((), "", "")
    return {
        "agents": [to_plain(agent) for agent in found.agents],
        "controller": found.controller,
        "version": found.version,
    }


def runs_document(runs: tuple[rq.RunInfo, ...]) -> Any:
    """As `plctl runs --json`."""
    return to_plain(rq.Runs(runs))


def study_of(folder: Path) -> dict[str, Any]:
    """As `plctl study status --json`."""
    now = study_now(read_study(folder), read_journal(folder), goes_on=is_going_on(folder))
    return {**study_document(now), "folder": str(folder)}


def find_link(record: RunRecord, name: str) -> LinkRecord:
    """The link of that name.

    :raises UserError: there is none.
    """
    for link in record.links:
        if link.plan.name == name:
            return link
    raise UserError(f"{record.run} has no link {name!r:.80}; {suggest(name, [k.plan.name for k in record.links])}")


async def link_document(
    record: RunRecord, link: LinkRecord, folder: Path, span: TimeSpan, points: int
) -> dict[str, Any]:
    """What `link` was asked beside what it did, in times after T0."""
    measured = await asyncio.to_thread(measured_link, folder, record, link, span, points)
    last_s = max([0.0, *(each["end_s"][-1] or 0.0 for each in measured.values() if each["end_s"])])
    steps = asked_document(link, record.duration_ns / NS_PER_S or last_s)
    return {
        "run": record.run,
        "link": link.plan.name,
        "host": link.host,
        "described": describe_link(link.plan),
        "lateness_budget_ns": record.budget.lateness_ns,
        "duration_s": record.duration_ns / NS_PER_S or None,
        "workloads": _workloads(link),
        **{name: {"asked": steps[name], "measured": measured[name]} for name in measured},
    }


def _workloads(link: LinkRecord) -> list[dict[str, Any]]:
    results = {each.name: each for each in link.result.workloads} if link.result else {}
    return [
        {
            "name": each.name,
            "at": each.at,
            "command": shlex.join(each.command),
            "cause": results[each.name].cause if each.name in results else "",
            "status": results[each.name].status if each.name in results else None,
        }
        for each in link.plan.workloads
    ]


def matrix_row(line: LinkNow, link: LinkRecord) -> dict[str, Any]:
    """One link of the matrix: right now, or, once it is over, as its result has it."""
    row = {
        "link": line.name,
        "host": link.host,
        "state": line.state,
        "verdict": link.verdict,
        "cause": line.cause,
        "row": line.up.row,
        "rows": line.rows,
        "delay_ns": line.up.delay_ns,
        "rate_bps": line.up.rate_bps if line.up.rate_bps < RATE_UNLIMITED else None,
        "up_bps": line.up.carried_bps,
        "down_bps": line.down.carried_bps,
        "queue_bytes": line.queue_bytes,
        "lateness_p99_ns": line.lateness_p99_ns if line.lateness_p99_ns >= 0 else None,
        "dropped": line.dropped,
        "marked": line.marked,
        "lost": line.lost,
    }
    return row | _totals(link) if link.verdict else row


def _totals(link: LinkRecord) -> dict[str, Any]:
    if not link.result:
        return {}
    halves = (link.result.up, link.result.down)
    late_ns = max(half.lateness_p99_ns for half in halves)
    return {
        "lateness_p99_ns": late_ns if late_ns >= 0 else None,
        "dropped": sum(half.dropped for half in halves),
        "marked": sum(half.total(CounterGroup.MARKED) for half in halves),
        "lost": sum(half.lost for half in halves),
    }


def event_document(event: Event, t0_ns: int | None) -> dict[str, Any]:
    """An event of the log, with its facts in words and when it was after T0."""
    after_t0_s = (int(event.get("t_ns", 0)) - t0_ns) / NS_PER_S if t0_ns else None
    return {**event, "text": details(event), "after_t0_s": after_t0_s}


async def read_log(source: RunSource, run: str, after: int) -> tuple[list[Event], int]:
    """The lines of the log from the byte `after` on that are whole, and where the next one begins."""
    part = await source.read(run, EVENTS_NAME, max(0, after), PART_BYTES)
    whole, end, _ = part.data.rpartition(b"\n")
    events = event_log.from_lines(whole.decode(errors="replace").splitlines())
    return events, part.offset + len(whole) + len(end)


async def why_document(source: RunSource, run: str, link: str) -> dict[str, Any]:
    """As `plctl why --json`, and in lines for people."""
    history = await why_view.gather(source, run, link)
    return {**why_view.document(history), "lines": list(why_view.render(history))}


def not_ok_document(record: RunRecord) -> dict[str, Any]:
    """Which links are not ok, and why."""
    return {
        "run": record.run,
        "verdict": record.verdict,
        "cause": record.cause,
        "links": [
            {"link": k.plan.name, "host": k.host, "verdict": k.verdict, "cause": k.cause}
            for k in record.links
            if k.verdict and k.verdict != Verdict.OK
        ],
    }


async def output_document(source: RunSource, run: str, link: str, name: str, offset: int) -> dict[str, Any]:
    """What a program of `link` has printed from the byte `offset` on; negative: from so many before the end."""
    path = f"{ARTIFACTS_NAME}/{link}/{name}"
    try:
        part = await source.read(run, path, offset, PART_BYTES)
    except UserError:  # nothing was printed yet
        await source.state(run)
        return {"text": "", "offset": 0, "next": 0, "ended": False}
    text = part.data.decode(errors="replace")
    return {"text": text, "offset": part.offset, "next": part.offset + len(part.data), "ended": part.over}
