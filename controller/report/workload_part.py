"""The part of a link's section that says what its workloads were, how they ended, and what they have to say."""

from __future__ import annotations

import shlex
from pathlib import Path

from plctl.common.base.printable import printable
from plctl.common.base.units import format_duration, format_rate
from plctl.common.protocol.messages import WorkloadResult
from plctl.controller.metrics.probe_summary import ProbeSummary, find_summaries
from plctl.controller.report.markup import Markup, element, join, table
from plctl.controller.results.run_reader import ARTIFACTS_NAME
from plctl.controller.results.run_record import LinkRecord
from plctl.controller.verdict.statements import after_t0

_TAIL_LINES = 20
_TAIL_BYTES = 16_384
_OUTPUT_BYTES = 16 * 2**20
_PROBE_HEADERS = ("direction", "sent", "received", "lost", "duplicates", "reordered", "rate", "delay min", "p50", "p99",
                  "max")  # fmt: skip


def workload_part(folder: Path, link: LinkRecord) -> Markup:
    """What each workload was, how it ended, and what it has to say."""
    if not link.plan.workloads:
        return Markup()
    results = {result.name: result for result in (link.result.workloads if link.result else ())}
    artifacts = folder / ARTIFACTS_NAME / link.plan.name
    parts = []
    for workload in link.plan.workloads:
        result = results.get(workload.name)
        parts += [
            element("h4", f"{workload.name} (at the {workload.at}): {_ending(result)}"),
            element("p", _when(result, link), class_="muted"),
            element("pre", shlex.join(workload.command)),
            _probe_table(find_summaries(_read(artifacts / f"{workload.name}.stdout", _OUTPUT_BYTES))),
        ]
        if result is not None and result.cause:
            parts += [_tail(artifacts / f"{workload.name}.stderr")]
    return join(element("h3", "Workloads"), *parts)


def _ending(result: WorkloadResult | None) -> str:
    if result is None:
        return "no result"
    if result.cause:
        return result.cause
    return f"exit status {result.status}" if result.status >= 0 else "ended with the run"


def _when(result: WorkloadResult | None, link: LinkRecord) -> str:
    """When it was to be executed, when it was, and when it had ended."""
    if result is None or result.executed_ns is None:
        return "When it was executed is not known."
    planned = "" if result.planned_ns is None else f", planned {after_t0(result.planned_ns, link.planned_ns)}"
    if result.executed_ns == 0:
        return f"Never executed{planned}."
    ended = f"; ended {after_t0(result.ended_ns, link.planned_ns)}" if result.ended_ns else ""
    return f"Executed {after_t0(result.executed_ns, link.planned_ns)}{planned}{ended}."


def _probe_table(summaries: list[ProbeSummary]) -> Markup:
    if not summaries:
        return Markup()
    return table(_PROBE_HEADERS, [_probe_row(summary) for summary in summaries])


def _probe_row(summary: ProbeSummary) -> tuple[str, ...]:
    counts = (summary.sent, summary.received, summary.lost, summary.duplicates, summary.reordered)
    delays = [format_duration(delay) for delay in summary.delay_ns] if summary.delay_ns else ["unknown"] * 4
    return (
        summary.direction,
        *("unknown" if count is None else str(count) for count in counts),
        format_rate(summary.frame_bps),
        *delays,
    )


def _tail(path: Path) -> Markup:
    """The last lines of what a failed workload wrote to stderr."""
    lines = _read(path, _TAIL_BYTES).splitlines()[-_TAIL_LINES:]
    if not lines:
        return element("p", "It wrote nothing to stderr.", class_="muted")
    return join(
        element("p", "The end of its stderr:", class_="muted"), element("pre", "\n".join(map(printable, lines)))
    )


def _read(path: Path, limit: int) -> str:
    """The last `limit` bytes of `path` as text; empty if it is not there."""
    try:
        with path.open("rb") as file:
            file.seek(0, 2)
            file.seek(max(0, file.tell() - limit))
            return file.read().decode(errors="replace")
    except OSError:
        return ""
