"""The parts of the report that speak of the run as a whole: its verdict, what was asked for, and the table of links."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Mapping

from plctl.common.base.units import format_duration
from plctl.common.protocol.messages import DirectionResult
from plctl.common.scenario.schedule import DIRECTIONS
from plctl.controller.report.host_words import host_part
from plctl.controller.report.markup import Markup, element, join
from plctl.controller.results.run_record import LinkRecord, RunRecord
from plctl.controller.verdict.verdict import Verdict
from plctl.controller.verdict.witness_traffic import is_late

#: A table of more links than this is folded; what is not ok is shown above it.
MAX_SHOWN = 32
#: So many characters of a file that was read are shown.
MAX_SOURCE = 20_000
UNFINISHED = "unfinished"

_HEADERS = ("link", "verdict", "start after T0", "", "arrived", "delivered", "dropped, as asked",
            "lost by the machine", "lateness p50", "p99", "max")  # fmt: skip
_FIRST_NUMBER = 4

_VERDICTS = {
    Verdict.OK: "what was emulated is what was asked for, within the budgets above",
    Verdict.LATE: "packets left later than the model asked for: more than one in a hundred was over the budget",
    Verdict.SKEWED: "the link did not start at T0, or a workload not when it was to, within the budget",
    Verdict.OVERLOADED: "the machine lost packets that no scenario asked to lose; do not trust what this link shows",
    Verdict.UNPROVEN: "nothing is known to be wrong, but a witness that could have seen it was not heard",
    Verdict.SIMULATED: "nothing was emulated: every figure is synthetic, from a simulated agent, to try the controller",
    Verdict.FAILED: "the link or one of its workloads did not do its work; the cause is the first one known",
    Verdict.CANCELLED: "somebody ended the run early; what was measured until then is true",
}


def badge(verdict: str) -> Markup:
    """A verdict as a coloured word."""
    return element("span", verdict or UNFINISHED, class_=f"verdict {verdict or UNFINISHED}")


def headline(record: RunRecord) -> Markup:
    """Name, verdict in one sentence, and what a reader is looking at."""
    count = len(record.links)
    links = "one emulated network path" if count == 1 else f"{count} emulated network paths"
    return join(
        element("h1", record.name),
        element("div", record.run, class_="muted"),
        element("div", badge(record.verdict), element("span", _sentence(record)), class_="headline"),
        element(
            "p",
            f"plctl ran {links} whose delay and rate change over time as a scenario says, all from one instant, T0."
            " Every packet's departure was computed by an exact model and then compared with what the machine really"
            " did. This page shows what was asked for beside what happened.",
        ),
    )


def asked_section(record: RunRecord, sources: Mapping[str, str]) -> Markup:
    """What was asked for, on what it ran, and how to run it again; `sources` are the texts of files by their paths."""
    hosts = ", ".join(sorted({link.host for link in record.links}))
    duration = format_duration(record.duration_ns) if record.duration_ns else "until the workloads ended"
    facts = (
        ("seed", str(record.seed)),
        ("duration", duration),
        ("lasted", _lasted(record)),
        ("links", f"{len(record.links)} on {hosts}"),
        ("T0", record.t0_utc or "never reached"),
        ("budgets", f"99 % of packets at most {format_duration(record.budget.lateness_ns)} late;"
                    f" start within {format_duration(record.budget.skew_ns)} of T0;"
                    f" workloads at most {format_duration(record.budget.workload_ns)} after their time"),
        ("clocks", _clocks(record)),
        ("start", _skew(record)),
        ("asked in", _repositories(record)),
        ("software", _listed(record.versions)),
        *((f"host {host.name}", host_part(host.facts)) for host in record.hosts),
    )  # fmt: skip
    return join(
        element("h2", "What was asked for"),
        element("dl", *(join(element("dt", name), element("dd", text)) for name, text in facts if text)),
        element("p", "To run it again:"),
        element("pre", shlex.join(again(record))),
        *(_source(path, text) for path, text in sources.items()),
    )


def _repositories(record: RunRecord) -> str:
    """The commits of the files in which the run was asked for, and what differs from them."""
    return "; ".join(
        f"{each.name} at commit {each.commit}"
        + (f", but {', '.join(each.changed)} not as it is there" if each.changed else "")
        + ("" if each.compared else ", with which the files were not compared")
        for each in record.repositories
    )


def _lasted(record: RunRecord) -> str:
    """How long links were really watched, which a cancelled or broken run was less than was asked for."""
    ends = [
        link.result.until_ns - link.planned_ns
        for link in record.links
        if link.result and link.result.until_ns and link.planned_ns
    ]
    if not ends:
        return ""
    first, last = format_duration(min(ends)), format_duration(max(ends))
    return f"{first} after T0" if first == last else f"{first} to {last} after T0, as links were last read"


def _source(path: str, text: str) -> Markup:
    shown = text
    if len(text) > MAX_SOURCE:
        shown = text[:MAX_SOURCE].rpartition("\n")[0] + "\n… the rest is in the run's folder, below sources/"
    return element("details", element("summary", "the text of ", element("code", path)), element("pre", shown))


def again(record: RunRecord) -> tuple[str, ...]:
    """The command that repeats the run: the one that was given, with the seed that it had."""
    command = record.command
    given = any(word == "--seed" or word.startswith("--seed=") for word in command)
    if given or "run" not in command:
        return command
    at = command.index("run") + 1
    return (*command[:at], "--seed", str(record.seed), *command[at:])


def links_section(record: RunRecord) -> Markup:
    """The table of links; of many only those that are not ok, and all of them folded."""
    caption = element(
        "p",
        "One line for each direction. Dropped packets belong to the emulation: its queue or its path let go of them."
        " Lost ones do not. Lateness is how long after its computed time a packet really left.",
        class_="muted",
    )
    if len(record.links) <= MAX_SHOWN:
        return join(element("h2", "Links"), caption, _links_table(record, record.links))
    bad = tuple(link for link in record.links if link.verdict != Verdict.OK)
    whole = element("details", element("summary", f"all {len(record.links)} links"), _links_table(record, record.links))
    counts = Counter(link.verdict or UNFINISHED for link in record.links)
    told = ", ".join(f"{count} {verdict}" for verdict, count in counts.most_common())
    shown = _links_table(record, bad[:MAX_SHOWN]) if bad else Markup()
    return join(element("h2", "Links"), element("p", told + "."), caption, shown, whole)


def glossary(record: RunRecord) -> Markup:
    """What the verdicts mean, and what else is in the folder."""
    return element(
        "footer",
        element("h2", "Words"),
        element(
            "dl", *(join(element("dt", badge(verdict)), element("dd", text)) for verdict, text in _VERDICTS.items())
        ),
        element(
            "p",
            "Beside this page: run.json (everything that was asked for and judged), events.jsonl (the log of all"
            " parts), telemetry.parquet (every number drawn here, and more), artifacts (what the workloads printed)."
            f" Written by plctl {record.versions.get('plctl', '')} from those files alone.",
        ),
        _unseen(record),
    )


def _unseen(record: RunRecord) -> Markup:
    if not record.unseen:
        return Markup()
    return join(
        element("p", "A verdict rests on the link's certificate. What no certificate can see:"),
        element("ul", *(element("li", sentence) for sentence in record.unseen)),
    )


def _sentence(record: RunRecord) -> str:
    if not record.verdict:
        return "The run is not over, or ended without a verdict."
    if record.verdict == Verdict.OK:
        return "The link did what was asked for." if len(record.links) == 1 else "Every link did what was asked for."
    return f"{record.cause}."


def _listed(facts: dict[str, str]) -> str:
    return ", ".join(f"{name} {value}" for name, value in facts.items())


def _skew(record: RunRecord) -> str:
    """How far apart the links can have started."""
    if record.skew_bound_ns < 0:
        return ""
    return f"no two links farther apart than {format_duration(record.skew_bound_ns)}, clock errors included"


def _clocks(record: RunRecord) -> str:
    """How well the hosts' clocks were known."""
    bounds = [f"{host.name} within {format_duration(host.bound_ns)} ({host.clock_source})" for host in record.hosts]
    return "; ".join(bounds)


def _links_table(record: RunRecord, links: tuple[LinkRecord, ...]) -> Markup:
    head = element("tr", *(_head(number, name) for number, name in enumerate(_HEADERS)))
    body = element("tbody", *(_rows(record, link) for link in links))
    return element("div", element("table", element("thead", head), body), class_="scroll")


def _head(number: int, name: str) -> Markup:
    return element("th", name, scope="col", class_="number" if number >= _FIRST_NUMBER else None)


def _rows(record: RunRecord, link: LinkRecord) -> Markup:
    """A link's lines: up, down, and what was found wrong."""
    half_rows = []
    for direction in DIRECTIONS:
        first = direction == DIRECTIONS[0]
        named = (
            element("td", link.plan.name, class_="name"),
            element("td", badge(link.verdict)),
            element("td", _start(record, link)),
        )
        lead = named if first else (element("td"),) * 3
        half_rows.append(element("tr", *lead, *_figures(record, link, direction), class_="first" if first else None))
    findings = [text for text in (link.cause, *link.also) if text]
    return join(*half_rows, *(_finding(text) for text in findings))


def _finding(text: str) -> Markup:
    return element("tr", element("td"), element("td", text + ".", colspan=len(_HEADERS) - 1), class_="cause")


def _start(record: RunRecord, link: LinkRecord) -> str:
    """How long after T0 the link started, and how well that is known."""
    if link.skew_ns is None:
        return "with its traffic" if link.plan.start != "at-t0" else "never"
    return f"{format_duration(link.skew_ns)} ± {format_duration(record.host(link.host).bound_ns)}"


def _figures(record: RunRecord, link: LinkRecord, direction: str) -> list[Markup]:
    if link.result is None:
        return [element("td", direction), element("td", "no result", colspan=len(_HEADERS) - _FIRST_NUMBER)]
    half: DirectionResult = getattr(link.result, direction)
    lateness = (half.lateness_p50_ns, half.lateness_p99_ns, half.lateness_max_ns)
    cells = [
        *(f"{count:,}".replace(",", " ") for count in (half.arrived_packets, half.delivered_packets)),
        f"{half.dropped:,}".replace(",", " "),
        str(half.lost),
        *(format_duration(value) if value >= 0 else "–" for value in lateness),
    ]
    wrong = {3: half.lost > 0, 5: is_late(half, record.budget)}
    classes = ["number wrong" if wrong.get(at) else "number" for at in range(len(cells))]
    numbers = [element("td", cell, class_=class_) for cell, class_ in zip(cells, classes, strict=True)]
    return [element("td", direction), *numbers]
