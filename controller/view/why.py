"""Shows the history of one link in one place: what was planned, what happened when, what went wrong first.

`gather` asks for all that is known; what is told of it (`render`, `document`) is a pure function of that.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from plctl.common.base.errors import UserError
from plctl.common.base.problems import suggest
from plctl.common.base.process_end import how_it_ended
from plctl.common.base.units import NS_PER_S, format_duration, format_rate, format_size
from plctl.common.protocol.messages import WorkloadResult
from plctl.common.protocol.requests import LinkState
from plctl.common.protocol.wire import to_plain
from plctl.common.scenario.schedule import DIRECTIONS, Schedule
from plctl.common.telemetry.counters import COUNTERS, CounterGroup, HalfCounters
from plctl.common.telemetry.path_words import what_happened
from plctl.controller.results.event_log import CONTROLLER, Event
from plctl.controller.results.run_reader import ARTIFACTS_NAME
from plctl.controller.results.run_record import LinkRecord, RunRecord
from plctl.controller.verdict import certificate_text
from plctl.controller.verdict.statements import after_t0
from plctl.controller.verdict.verdict import Verdict
from plctl.controller.view.event_text import details
from plctl.controller.view.live_state import as_json, named
from plctl.controller.view.run_source import RunSource, read_events, read_record
from plctl.controller.view.summary import attempts

#: Of a workload's standard error, so much of its end is told.
_TAIL_BYTES = 4096
_TAIL_LINES = 12


@dataclass(frozen=True, slots=True)
class LinkHistory:
    """All that is known of one link of a run."""

    record: RunRecord
    link: LinkRecord
    state: LinkState  #: how it is, or was when last heard of
    events: list[Event]  #: of the link, and of the run and the host as a whole, in order
    errors: dict[str, str]  #: the end of each workload's standard error

    @property
    def cause(self) -> str:
        """What went wrong first; empty if nothing is known to have."""
        causes = (str(event.get("cause") or "") for event in self.events if event.get("link"))
        return self.link.cause or self.state.cause or next(filter(None, causes), "")


async def gather(source: RunSource, run: str, link: str) -> LinkHistory:
    """All that `source` knows of `link`.

    :raises UserError: the run has no such link.
    """
    record = await read_record(source, run)
    found = next((each for each in record.links if each.plan.name == link), None)
    if found is None:
        raise UserError(f"{run} has no link {link!r:.80}; {suggest(link, [each.plan.name for each in record.links])}")
    hosts = ("", found.host, CONTROLLER)
    events = await read_events(source, run)
    concerned = [e for e in events if e.get("link") == link or (not e.get("link") and e.get("host") in hosts)]
    return LinkHistory(record, found, await source.link(run, link), concerned, await _errors(source, run, link))


async def _errors(source: RunSource, run: str, link: str) -> dict[str, str]:
    prefix, suffix = f"{ARTIFACTS_NAME}/{link}/", ".stderr"
    found = {}
    for file in await source.files(run):
        is_output = file.path.startswith(prefix) and file.path.endswith(suffix) and file.path.count("/") == 2
        if file.size and is_output:
            part = await source.read(run, file.path, -_TAIL_BYTES)
            lines = part.data.decode(errors="replace").splitlines()[-_TAIL_LINES:]
            found[file.path.removeprefix(prefix).removesuffix(suffix)] = "\n".join(lines)
    return found


def render(history: LinkHistory) -> Iterator[str]:
    """The history in lines for people."""
    link = history.link
    yield f"{link.plan.name} of {history.record.run} on {link.host}: {link.verdict or history.state.state}"
    if cause := history.cause:
        yield f"first cause: {cause}"
    yield from (f"also: {text}" for text in link.also)
    yield from attempts(history.record)
    if link.certificate:
        yield ""
        yield "certificate (in seconds after T0):"
        yield from (f"  {line}" for line in certificate_text.table(link.certificate, link.planned_ns))
        yield "  What no witness can see is said in run.json and report.html."
    yield ""
    yield from _timeline(history)
    yield ""
    yield from _figures(history)
    for name, text in history.errors.items():
        yield ""
        yield f"standard error of {name}, its end:"
        yield from (f"  {line}" for line in text.splitlines())
    yield ""
    yield f"run it again: {again(history.record)}"


def again(record: RunRecord) -> str:
    """The command that asks for the same run, by the same seed."""
    words = ["plctl", *record.command[1:]]
    if not any(word == "--seed" or word.startswith("--seed=") for word in words):
        end = words.index("--") if "--" in words else len(words)
        words[end:end] = ["--seed", str(record.seed)]
    return shlex.join(words)


def document(history: LinkHistory) -> dict[str, Any]:
    """The history as `--json` prints it. Times are nanoseconds, sizes bytes."""
    link, record = history.link, history.record
    halves = {"up": history.state.up, "down": history.state.down}
    return {
        "run": record.run,
        "link": link.plan.name,
        "host": link.host,
        "state": history.state.state,
        "verdict": link.verdict,
        "cause": history.cause,
        "also": list(link.also),
        "certificate": to_plain(link.certificate),
        "unseen": list(record.unseen),
        "t0_utc": record.t0_utc,
        "skew_ns": link.skew_ns,
        "clock_bound_ns": [record.host(link.host).bound_before_ns, record.host(link.host).bound_after_ns],
        "clock_source": record.host(link.host).clock_source,
        "events": [dict(event) for event in history.events],
        "telemetry": {name: as_json(values) for name, values in halves.items()},
        "standard_error": history.errors,
        "setback": record.setback,
        "setback_by": list(record.setback_by),
        "attempts": to_plain(record.attempts),
        "again": again(record),
    }


def _timeline(history: LinkHistory) -> Iterator[str]:
    """What happened when, seconds from T0, or from the first event where T0 was never chosen."""
    t0_ns = history.record.t0_ns
    entries = [(int(e.get("t_ns", 0)), str(e.get("event", "")), details(e)) for e in history.events]
    if t0_ns is not None:
        entries += _start(history, t0_ns)
    zero_ns = t0_ns if t0_ns is not None else min((at for at, _, _ in entries), default=0)
    for at_ns, name, text in sorted(entries, key=lambda entry: entry[0]):
        yield f"{(at_ns - zero_ns) / NS_PER_S:+12.6f} s  {name:<18}  {text}".rstrip()


def _start(history: LinkHistory, t0_ns: int) -> Iterator[tuple[int, str, str]]:
    """Planned and actual start, on the controller's clock as well as that is known."""
    link, host = history.link, history.record.host(history.link.host)
    yield t0_ns, "planned start", f"T0, {history.record.t0_utc}"
    if link.skew_ns is not None:
        known = [format_duration(ns) for ns in (host.bound_before_ns, host.bound_after_ns) if ns >= 0]
        bound = f"± {' before and ± '.join(known)}{' after' * (len(known) == 2)}" if known else "not known"
        late = f"{format_duration(link.skew_ns)} after T0 on its host's clock"
        yield t0_ns + link.skew_ns, "actual start", f"{late}; clock {bound} ({host.clock_source})"


def _figures(history: LinkHistory) -> Iterator[str]:
    for direction, values in zip(DIRECTIONS, (history.state.up, history.state.down), strict=True):
        if values:
            now = named(values)
            schedule: Schedule = getattr(history.link.plan, direction)
            mean = "on average " if schedule.facts.opportunities else ""
            yield f"last telemetry {direction}: {_sample(now, mean)}"
            if not history.link.result:
                counts = HalfCounters(**{name: now[name] for name in COUNTERS})
                yield from (f"  {sentence}" for sentence in what_happened(history.link.plan, direction, counts))
    if result := history.link.result:
        for direction, half in zip(DIRECTIONS, (result.up, result.down), strict=True):
            yield (
                f"whole run {direction}: {half.arrived_packets} packets arrived, {half.delivered_packets} delivered,"
                f" {_gone(half)}"
            )
            yield from (f"  {sentence}" for sentence in what_happened(history.link.plan, direction, half))
        for workload in result.workloads:
            ending = workload.cause or how_it_ended(workload.status)
            yield f"workload {workload.name} at the {workload.at}: {ending}{_when(workload, history.link)}"
    elif history.link.verdict == Verdict.FAILED:
        yield "no result came from its host"


def _when(workload: WorkloadResult, link: LinkRecord) -> str:
    """When it was executed, and when its end was noticed; nothing where that is not known."""
    times = (("executed", workload.executed_ns), ("ended", workload.ended_ns))
    told = [f"{what} {after_t0(at_ns, link.planned_ns)}" for what, at_ns in times if at_ns and link.planned_ns]
    return f" ({', '.join(told)})" if told else ""


def _sample(now: dict[str, int], mean: str) -> str:
    late = f", lateness p99 {format_duration(now['lateness_p99_ns'])}" if now["lateness_p99_ns"] >= 0 else ""
    return (
        f"row {now['row'] + 1} asks {format_duration(now['delay_ns'])} {mean}{format_rate(now['rate_bps'])},"
        f" queue {format_size(now['queue_bytes'])}, {now['in_flight_packets']} in flight{late};"
        f" so far {_gone(HalfCounters(**{name: now[name] for name in COUNTERS}))}"
    )


def _gone(half: HalfCounters) -> str:
    """What was dropped and what was lost, each by cause."""
    groups = (CounterGroup.DROPPED, CounterGroup.LOST)
    dropped, lost = (f" ({causes})" if (causes := half.causes(group)) else "" for group in groups)
    return f"{half.dropped} dropped as the scenario asked{dropped}, {half.lost} lost by the machine{lost}"
