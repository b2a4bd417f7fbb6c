"""What `run.json` holds: everything needed to judge a run, to repeat it, and to know on what it ran.

The dataclasses are the format; `plctl.common.protocol.wire` turns them into plain maps and refuses a file that does not
fit. Records are never changed, only replaced: each stage of a run is a pure function from one record to the next.
"""

from __future__ import annotations

import json
import platform
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Literal

from plctl.common.base.errors import ProtocolError
from plctl.common.base.json_text import read_json
from plctl.common.base.units import NS_PER_S
from plctl.common.host.source_commit import source_commit
from plctl.common.plan.failure_policy import OnFailure, Setback
from plctl.common.plan.link_change import AppliedChange, plan_after
from plctl.common.plan.run_plan import Budget, LinkPlan, find_misnamed
from plctl.common.plan.run_request import Repository
from plctl.common.protocol.messages import LinkReadiness, LinkResult, LinkStart
from plctl.common.protocol.wire import from_plain, to_plain
from plctl.controller.results.schedule_files import ScheduleFiles
from plctl.controller.results.skew import Starts, skew_bound_ns
from plctl.controller.verdict.certificate import UNSEEN, judge
from plctl.controller.verdict.link_facts import LinkFacts
from plctl.controller.verdict.verdict import Judgement, Statement, Verdict, judge_run

#: So many lines of run.json are made without a rest, in about a millisecond.
_LINES_TOGETHER = 20
_LIBRARIES = ("pyzmq", "msgpack", "pyroute2", "structlog", "click", "pyarrow", "matplotlib", "pydantic", "rich")


@dataclass(frozen=True, slots=True)
class HostRecord:
    """One host of the run and how well its clock was known."""

    name: str  #: under which its agent is known
    version: str = ""  #: of plctl there
    facts: dict[str, str] = field(default_factory=dict)  #: kernel, CPUs, memory …
    clock_source: str = ""  #: where the bounds come from
    clock_offset_ns: int | None = None  #: controller's clock − this host's, by which T0 was translated
    bound_before_ns: int = -1  #: that offset's greatest error as it was known at ARM; −1: not known
    bound_after_ns: int = -1  #: the same as it was known after the start, from readings before and after; −1: not known
    simulated: bool = False  #: it built nothing, and what it reported is synthetic

    @property
    def bound_ns(self) -> int:
        """The better informed of both bounds; 0 if neither is known."""
        return self.known_bound_ns or 0

    @property
    def known_bound_ns(self) -> int | None:
        """The better informed of both bounds; None if neither is known."""
        return next((bound for bound in (self.bound_after_ns, self.bound_before_ns) if bound >= 0), None)


@dataclass(frozen=True, slots=True)
class LinkRecord:
    """One link: what was asked of it, when it started, what came of it."""

    plan: LinkPlan  #: what was asked of it
    host: str  #: that carried it
    check: str = ""  #: what the self-check found
    io: str = ""  #: what carried its frames, and why not what was preferred
    planned_ns: int | None = None  #: T0 on the host's monotonic clock
    started_ns: int | None = None  #: when its forwarder started, same clock; where it waited, when traffic had come
    result: LinkResult | None = None  #: what its agent reported in the end; null if nothing came
    verdict: str = ""  #: a `Verdict`; empty until the run is over
    cause: str = ""  #: why the verdict is not `ok`; empty if it is
    also: tuple[str, ...] = ()  #: weaker findings
    certificate: tuple[Statement, ...] = ()  #: what the verdict rests on; empty in records of earlier versions
    changes: tuple[AppliedChange, ...] = ()  #: that somebody made while it ran, in the order in which they hold

    @property
    def asked(self) -> LinkPlan:
        """What was asked of it in the end: its plan, with the changes among its rows."""
        return plan_after(self.plan, self.changes)

    @property
    def skew_ns(self) -> int | None:
        """How long after T0 the link started; None if it did not, or was not to start at T0."""
        if self.planned_ns is None or self.started_ns is None or self.plan.start != "at-t0":
            return None
        return self.started_ns - self.planned_ns


@dataclass(frozen=True, slots=True)
class EarlierAttempt:
    """A run that was made for the same request before, and failed; its folder lies beside this one's."""

    run: str  #: its id
    setback: Setback  #: what kept it from its end
    cause: str  #: of its verdict
    setback_by: tuple[str, ...] = ()  #: the hosts that did


@dataclass(frozen=True, slots=True)
class RunRecord:
    """A whole run. Times named `…_utc` are RFC 3339 and for people; every other time is an integer of nanoseconds."""

    run: str  #: run id, the name of the folder
    name: str  #: as the spec says, or the scenario file
    seed: int  #: of every random choice
    links: tuple[LinkRecord, ...]  #: one for each link
    hosts: tuple[HostRecord, ...] = ()  #: one for each host, once the run has started
    labels: dict[str, str] = field(default_factory=dict)  #: what tells it from other runs of a larger thing
    command: tuple[str, ...] = ()  #: argv that asked for the run
    #: Every file that was read: its path → its name in the folder `sources` (in format 1, its text).
    sources: dict[str, str] = field(default_factory=dict)
    repositories: tuple[Repository, ...] = ()  #: of the user, in which these files lie
    duration_ns: int = 0  #: after T0; 0: until the workloads ended
    budget: Budget = field(default_factory=Budget)  #: what a link must keep to be `ok`
    sample_interval_ns: int = 0  #: between two rows of telemetry of one direction
    socket_stats_ns: int = 0  #: between two looks at sockets; 0: none
    on_failure: OnFailure = "continue"  #: what one link's failure after the start means for the others
    retries: int = 0  #: how often it may be made again, if it does not start or an agent is lost
    versions: dict[str, str] = field(default_factory=dict)  #: of the controller's software
    created_utc: str = ""  #: when the run was asked for
    t0_ns: int | None = None  #: on the controller's monotonic clock; None: never armed
    t0_utc: str = ""  #: T0 on the controller's wall clock
    skew_bound_ns: int = -1  #: no two links started farther apart than this (see skew.py); −1: not known
    finished_utc: str = ""  #: when the last result came
    verdict: str = ""  #: a `Verdict`; empty until the run is over
    cause: str = ""  #: why the verdict is not `ok`, of the worst link; empty if it is
    setback: Setback = ""  #: what kept the run from its end that another attempt need not meet
    setback_by: tuple[str, ...] = ()  #: the hosts that did; another attempt goes elsewhere, if it can
    attempts: tuple[EarlierAttempt, ...] = ()  #: those before this one, the first in front; none: it is the first
    unseen: tuple[str, ...] = ()  #: what no certificate of the run can see, a sentence each
    format: Literal[1, 2] = 2  #: of this file; in format 1 each link has its rows in it

    def host(self, name: str) -> HostRecord:
        """The record of host `name`; an empty one if nothing is known about it."""
        return next((host for host in self.hosts if host.name == name), HostRecord(name))

    def hosts_by_name(self) -> dict[str, HostRecord]:
        """What is known of each host, and of each that has a link."""
        return {link.host: HostRecord(link.host) for link in self.links} | {host.name: host for host in self.hosts}

    def t0_by_host(self) -> dict[str, int]:
        """T0 on each host's own monotonic clock, for the hosts that were armed."""
        return {link.host: link.planned_ns for link in self.links if link.planned_ns is not None}


def started(
    record: RunRecord,
    t0_ns: int,
    t0_wall_ns: int,
    starts: Iterable[LinkStart],
    hosts: Iterable[HostRecord],
    *,
    ready: Iterable[LinkReadiness] = (),
) -> RunRecord:
    """`record` after T0: what each link's agent reported, before and then, and the clock record of each host.

    A start of 0 means that the link has not started (it waits for traffic).
    """
    known = {start.link: start for start in starts}
    prepared = {each.link: each for each in ready}
    begun = replace(
        record,
        t0_ns=t0_ns,
        t0_utc=rfc3339(t0_wall_ns),
        hosts=tuple(hosts),
        links=tuple(
            _with_start(_with_preparation(link, prepared.get(link.plan.name)), known.get(link.plan.name))
            for link in record.links
        ),
    )
    return replace(begun, skew_bound_ns=skew_bound_of(begun))


def finished(
    record: RunRecord,
    results: Iterable[LinkResult],
    *,
    failures: Mapping[str, str],
    cancelled: bool,
    finished_utc: str,
    setback: Setback = "",
    setback_by: Iterable[str] = (),
    limits: Mapping[str, tuple[str, ...]] | None = None,
    changes: Mapping[str, tuple[AppliedChange, ...]] | None = None,
) -> RunRecord:
    """`record` with every link judged.

    :param failures: the first cause known to the controller, by link.
    :param setback: what kept the run from its end, and `setback_by` the hosts that did.
    :param limits: that agents ran into, a sentence each, by host.
    :param changes: that links went through while they ran, by link.
    """
    known, hosts = {result.link: result for result in results}, record.hosts_by_name()
    links, judgements = [], {}
    for link in record.links:
        over = _with_result(link, known.get(link.plan.name))
        over = replace(over, changes=(changes or {}).get(link.plan.name, ()))
        facts = facts_of(over, hosts[link.host], failures.get(link.plan.name), cancelled, record.duration_ns)
        facts = replace(facts, limits=(*facts.limits, *(limits or {}).get(link.host, ())))
        judgement = judge(facts, record.budget)
        judgements[link.plan.name] = judgement
        links.append(_with_judgement(over, judgement))
    whole = judge_run(judgements)
    over_all = replace(record, links=tuple(links), verdict=str(whole.verdict), cause=whole.cause, unseen=UNSEEN)
    return replace(over_all, finished_utc=finished_utc, setback=setback, setback_by=tuple(setback_by))


def facts_of(
    link: LinkRecord, host: HostRecord, failure: str | None, cancelled: bool, duration_ns: int = 0
) -> LinkFacts:
    """What `link` on `host` is judged by. A link without a result has failed, unless the run was cancelled."""
    at_t0 = link.plan.start == "at-t0"
    result = link.result
    known = LinkFacts(
        cancelled=cancelled,
        duration_ns=duration_ns,
        t0_ns=link.planned_ns,
        planned_ns=link.planned_ns if at_t0 else None,
        clock_bound_ns=host.known_bound_ns,
        clock_source=host.clock_source,
        simulated=host.simulated,
        packet_log=link.plan.packets,
        super_frames=link.plan.offload == "on",
    )
    if result is None:
        if failure is None and not cancelled:
            failure = f"no result came from its host {link.host}"
        return replace(known, failure=failure, started_ns=link.started_ns, reported=False)
    return replace(
        known,
        failure=failure or result.cause or None,
        workloads=result.workloads,
        started_ns=link.started_ns,
        from_ns=result.from_ns,
        until_ns=result.until_ns,
        up=result.up,
        down=result.down,
        limits=result.limits,
        worker=result.worker,
        interfaces=result.interfaces,
    )


def to_json(record: RunRecord, rest: Callable[[], None] = lambda: None) -> str:
    """`record` as the text of run.json: a line for each field, and for each link and host.

    Where a link's plan has a schedule stands its digest; `schedules` says in a few figures what each of them is.

    :param rest: called after every few lines, for whoever makes it beside an event loop.
    """
    schedules = ScheduleFiles()
    values = {each.name: getattr(record, each.name) for each in fields(record)}
    lines = [f" {json.dumps(name)}: {_lines(value, schedules, rest)}" for name, value in values.items()]
    lines.append(f' "schedules": {json.dumps(to_plain(schedules.facts))}')
    return "{\n" + ",\n".join(lines) + "\n}\n"


def from_json(text: str, folder: Path | None = None) -> RunRecord:
    """The record in the text of a run.json.

    :param folder: where it lies, if the rows of schedules may be asked for.
    :raises ProtocolError: a field is missing, unknown or of another type.
    :raises ValueError: not JSON at all.
    """
    plain = read_json(text)
    facts = plain.pop("schedules", None) if isinstance(plain, dict) else None
    try:
        record: RunRecord = from_plain(RunRecord, plain, "run.json", ScheduleFiles(folder, facts))
    except ProtocolError as error:
        raise ProtocolError(f"{error}{_newer(plain)}") from None
    if (name := find_misnamed(record.run, (link.plan for link in record.links))) is not None:
        raise ProtocolError(f"run.json: {name!r:.80} names no run, link or workload: it would lead out of the folder")
    if unknown := {*_verdicts(record)} - {"", *Verdict}:
        raise ProtocolError(f"run.json: {min(unknown)!r:.80} is no verdict{_newer(plain)}")
    return record


def _verdicts(record: RunRecord) -> Iterator[str]:
    yield record.verdict
    for link in record.links:
        yield link.verdict
        yield from (statement.verdict or "(none)" for statement in link.certificate)


def _newer(plain: Any) -> str:
    """What to say of a record beside what is wrong with it, if it is of a later format, or has fields of later days."""
    if not isinstance(plain, dict):
        return ""
    known = {each.name for each in fields(RunRecord)}
    versions = plain.get("versions")
    by = f" ({versions.get('plctl')}, commit {versions.get('commit')})" if isinstance(versions, dict) else ""
    if plain.get("format") not in (1, 2):
        return f"; it is of format {plain.get('format')!r:.20}, this plctl reads 1 and 2: upgrade it"
    return f"; a newer plctl wrote it{by}: upgrade this one" if plain.keys() - known else ""


def software_versions() -> dict[str, str]:
    """The versions of plctl, Python, the kernel and every library that this process may use."""
    found = {
        "plctl": version("plctl"),
        "commit": source_commit() or "not from a clone",
        "python": platform.python_version(),
        "kernel": platform.release(),
    }
    for library in _LIBRARIES:
        try:
            found[library] = version(library)
        except PackageNotFoundError:  # an optional one: its absence is a fact too
            found[library] = "not installed"
    return found


def rfc3339(wall_ns: int) -> str:
    """`wall_ns` (since 1970) as ``2026-11-23T04:15:30.000000Z``."""
    stamp = datetime.fromtimestamp(wall_ns // NS_PER_S, UTC).replace(microsecond=wall_ns % NS_PER_S // 1000)
    return stamp.isoformat(timespec="microseconds").replace("+00:00", "Z")


def _lines(value: Any, schedules: ScheduleFiles, rest: Callable[[], None]) -> str:
    if not isinstance(value, tuple) or not value:
        return json.dumps(to_plain(value, schedules))
    lines = []
    for number, item in enumerate(value, 1):
        lines.append(json.dumps(to_plain(item, schedules)))
        if number % _LINES_TOGETHER == 0:
            rest()
    return "[\n  " + ",\n  ".join(lines) + "\n ]"


def _with_preparation(link: LinkRecord, ready: LinkReadiness | None) -> LinkRecord:
    return replace(link, check=ready.check, io=ready.io) if ready else link


def skew_bound_of(record: RunRecord) -> int:
    """No two links of `record` started farther apart than this: from the starts and clocks that it tells of.

    −1 if a link that was to start at T0 did not, or if a host's clock is not known.
    """
    offs: dict[str, list[int]] = {}
    for link in record.links:
        if link.plan.start == "at-t0":
            if link.skew_ns is None:
                return -1
            offs.setdefault(link.host, []).append(link.skew_ns)
    hosts = record.hosts_by_name()
    if any(max(hosts[host].bound_before_ns, hosts[host].bound_after_ns) < 0 for host in offs):
        return -1
    return skew_bound_ns([Starts(min(off), max(off), hosts[host].bound_ns) for host, off in offs.items()])


def _with_start(link: LinkRecord, start: LinkStart | None) -> LinkRecord:
    if start is None:
        return link
    return replace(link, planned_ns=start.planned_ns, started_ns=start.started_ns or None)


def _with_result(link: LinkRecord, result: LinkResult | None) -> LinkRecord:
    """What an agent knows only in the end of a link that waited for traffic is when that came."""
    if result is None or link.plan.start == "at-t0":
        return replace(link, result=result)
    return replace(link, result=result, started_ns=result.scenario_start_ns or None)


def _with_judgement(link: LinkRecord, judgement: Judgement) -> LinkRecord:
    """`verdict` as a plain string, as it is read back."""
    statements = tuple(replace(each, verdict=str(each.verdict)) for each in judgement.certificate)
    verdict = str(judgement.verdict)
    return replace(link, verdict=verdict, cause=judgement.cause, also=judgement.also, certificate=statements)
