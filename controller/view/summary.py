"""What `plctl run` says in the end: the verdicts as a table, or everything as one JSON document."""

from __future__ import annotations

import dataclasses
from collections import Counter
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.text import Text

from plctl.common.base.printable import printable
from plctl.common.base.units import format_duration, three_digits
from plctl.common.protocol.wire import to_plain
from plctl.common.scenario.schedule import DIRECTIONS
from plctl.common.telemetry.path_words import what_happened
from plctl.controller.results.flow_changes import flow_changes
from plctl.controller.results.run_reader import REPORT_NAME
from plctl.controller.results.run_record import LinkRecord, RunRecord
from plctl.controller.verdict import certificate_text
from plctl.controller.verdict.verdict import Verdict
from plctl.controller.view.tables import Cell, print_table

#: Of more links than this, only those that are not ok are listed.
MAX_LINKS = 20
#: Of more findings than this, the first are told, and how to see the others.
MAX_FINDINGS = 10
#: Of more links with one and the same finding than this, the first are named.
MAX_NAMES = 4
_COLOURS = {Verdict.OK: "green", Verdict.LATE: "yellow", Verdict.SKEWED: "yellow", Verdict.CANCELLED: "dim",
            Verdict.UNPROVEN: "cyan", Verdict.SIMULATED: "magenta"}  # fmt: skip
_HEADERS = ("link", "host", "verdict", "packets\nup", "packets\ndown", "dropped", "lost", "late\np99",
            "start\nafter T0")  # fmt: skip


def exit_status(record: RunRecord) -> int:
    """What a command ends with that has carried the run through or shown what became of it."""
    return {"ok": 0, "cancelled": 130}.get(record.verdict, 1)


def show(console: Console, record: RunRecord, folder: Path | None, controller: str = "") -> None:
    """Print the verdicts of a finished run, each with its cause, and where its results are.

    :param folder: with the results; None if they are with the `controller` at that address.
    """
    listed = _listed(record)
    if listed:
        _print_links(console, record, listed)
    for line in _findings(listed, record.run):
        _say(console, printable(f"  {line}"))
    for line in _happened(listed, record.run):
        _say(console, printable(f"  {line}"))
    changes = flow_changes(folder) if folder and record.socket_stats_ns else ()
    for line in (*(f"  {change}" for change in changes), *attempts(record)):
        _say(console, printable(line))
    counts = Counter(link.verdict for link in record.links)
    if len(record.links) > len(listed):
        _say(console, "links: " + ", ".join(f"{count} {verdict}" for verdict, count in counts.most_common()))
    if certificate := certificate_text.in_short([link.certificate for link in record.links]):
        _say(console, f"certificate: {certificate}")
    if len(record.hosts) > 1 and record.skew_bound_ns >= 0:
        _say(console, f"start:   no two links farther apart than {format_duration(record.skew_bound_ns)}")
    _say(console, "verdict: ", (record.verdict, f"bold {colour(record.verdict)}"))
    if folder is None:
        _say(console, f"results: with the controller at {controller}; to copy them here:")
        _say(console, f"  plctl fetch {record.run}")
        return
    _say(console, f"results: {folder}")
    if (folder / REPORT_NAME).exists():
        _say(console, f"report:  {folder / REPORT_NAME}")


def attempts(record: RunRecord) -> list[str]:
    """What is to be said of the attempts of a run that was made again, or could have been."""
    lines = [f"attempt {n}: {each.run}: {each.setback}: {each.cause}" for n, each in enumerate(record.attempts, 1)]
    if lines:
        lines.append(f"attempt {len(lines) + 1} of at most {record.retries + 1}: this one")
    if record.setback:
        lines.append(f"setback: {record.setback}" + f" ({', '.join(record.setback_by)})" * bool(record.setback_by))
    return lines


def document(record: RunRecord, folder: Path | None) -> dict[str, Any]:
    """The finished run as `plctl run --json` prints it. Times are integer nanoseconds, sizes bytes.

    :param folder: with its results, if they are on this machine.
    """
    report = folder / REPORT_NAME if folder else None
    return {
        "run": record.run,
        "name": record.name,
        "seed": record.seed,
        "verdict": record.verdict,
        "cause": record.cause,
        "t0_utc": record.t0_utc,
        "skew_bound_ns": record.skew_bound_ns if record.skew_bound_ns >= 0 else None,
        "finished_utc": record.finished_utc,
        "folder": str(folder) if folder else None,
        "report": str(report) if report and report.exists() else None,
        "unseen": list(record.unseen),
        "on_failure": record.on_failure,
        "retries": record.retries,
        "setback": record.setback,
        "setback_by": list(record.setback_by),
        "attempts": to_plain(record.attempts),
        "links": [_link(record, link) for link in record.links],
    }


def _link(record: RunRecord, link: LinkRecord) -> dict[str, Any]:
    result = dataclasses.asdict(link.result) if link.result else {"up": None, "down": None, "workloads": []}
    return {
        "name": link.plan.name,
        "host": link.host,
        "verdict": link.verdict,
        "cause": link.cause,
        "also": list(link.also),
        "certificate": to_plain(link.certificate),
        "skew_ns": link.skew_ns,
        "clock_bound_ns": record.host(link.host).bound_ns,
        "up": _half(result["up"]),
        "down": _half(result["down"]),
        "workloads": list(result["workloads"]),
    }


def _half(half: dict[str, Any] | None) -> dict[str, Any] | None:
    """Null where nothing was delivered, so that nobody averages over −1."""
    return half and {name: None if name.startswith("lateness_") and n == -1 else n for name, n in half.items()}


def _listed(record: RunRecord) -> list[LinkRecord]:
    """The links that get a line: all if they are few, else those that are not ok, and not too many of them."""
    if len(record.links) <= MAX_LINKS:
        return list(record.links)
    return [link for link in record.links if link.verdict != Verdict.OK][:MAX_LINKS]


def _print_links(console: Console, record: RunRecord, links: list[LinkRecord]) -> None:
    """The links one below the other; their hosts only if there are several."""
    several = len({link.host for link in record.links}) > 1
    headers = [name for name in _HEADERS if several or name != "host"]
    rows: list[list[Cell]] = []
    for link in links:
        host = [link.host] if several else []
        verdict = Text(link.verdict, style=colour(link.verdict))
        rows.append([Text(link.plan.name, style="bold"), *host, verdict, *_figures(record, link)])
    print_table(console, headers, rows, right=_HEADERS[3:])


def _findings(links: list[LinkRecord], run: str) -> list[str]:
    """What was found about `links`, first causes first, each finding once with the links that it is about."""
    about: dict[str, list[str]] = {}
    for text, link in [*((k.cause, k) for k in links), *((text, k) for k in links for text in k.also)]:
        if text:
            about.setdefault(text, []).append(link.plan.name)
    lines = [f"{_names(names)}: {text}" for text, names in about.items()]
    if len(lines) <= MAX_FINDINGS:
        return lines
    return [*lines[:MAX_FINDINGS], f"… and {len(lines) - MAX_FINDINGS} more: plctl why LINK --run {run}"]


def _happened(links: list[LinkRecord], run: str) -> list[str]:
    """What queues and paths did to frames beside delaying them, as the scenario asked."""
    lines = [
        f"{link.plan.name} {direction}: {sentence}"
        for link in links
        if link.result
        for direction, half in zip(DIRECTIONS, (link.result.up, link.result.down), strict=True)
        for sentence in what_happened(link.plan, direction, half, brief=True)
    ]
    if len(lines) <= MAX_FINDINGS:
        return lines
    return [*lines[:MAX_FINDINGS], f"… and {len(lines) - MAX_FINDINGS} more: plctl why LINK --run {run}"]


def _names(names: list[str]) -> str:
    more = len(names) - MAX_NAMES
    return ", ".join(names[:MAX_NAMES]) + (f" and {more} more" if more > 0 else "")


def _figures(record: RunRecord, link: LinkRecord) -> list[str]:
    result = link.result
    if result is None:
        return []
    both = (result.up, result.down)
    late = max(half.lateness_p99_ns for half in both)
    bound_ns = record.host(link.host).bound_ns
    bound = f" ± {format_duration(three_digits(bound_ns, bound=True))}" if bound_ns else ""
    return [
        str(result.up.delivered_packets),
        str(result.down.delivered_packets),
        str(sum(half.dropped for half in both)),
        str(sum(half.lost for half in both)),
        format_duration(three_digits(late)) if late >= 0 else "–",
        f"{format_duration(three_digits(link.skew_ns))}{bound}" if link.skew_ns is not None else "–",
    ]


def colour(verdict: str) -> str:
    """The style of a verdict on a terminal; none before there is one."""
    return _COLOURS.get(Verdict(verdict), "red") if verdict else ""


def _say(console: Console, *parts: str | tuple[str, str]) -> None:
    """Print one line as it is: not wrapped, so that a path can be copied, and not read as markup."""
    if any(parts):
        console.print(Text.assemble(*parts), soft_wrap=True)
