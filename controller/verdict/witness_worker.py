"""Witness of the forwarder's life: whether the worker that served a link worked whenever it should have."""

from __future__ import annotations

from collections.abc import Iterator

from plctl.common.base.units import format_duration
from plctl.common.plan.run_plan import Budget
from plctl.common.telemetry.witness import WorkerWatch
from plctl.controller.verdict.link_facts import LinkFacts
from plctl.controller.verdict.statements import frames, unheard
from plctl.controller.verdict.verdict import Statement, Verdict

#: The budget of lateness is one for the 99th percentile. So a link is late if its worker was away, for longer than the
#: budget each time, for more than a hundredth of the time in all ...
STALLED_SHARE = 0.01
#: ... or once for so many budgets: no percentile makes up for that.
GREAT_GAP = 20


def hear_worker(facts: LinkFacts, budget: Budget) -> Iterator[Statement]:
    """The worker's heartbeat: times in which it did nothing though it should have, and what was overdue in the end."""
    watch = facts.worker
    if watch is None:
        yield unheard("worker", "nobody watched whether the forwarder worked")
        return
    if watch.overdue_packets and watch.overdue_ns > budget.lateness_ns:
        late = format_duration(watch.overdue_ns)
        says = f"{frames(watch.overdue_packets)} never left, although due: at the end the first was {late} overdue"
        yield _statement(watch, says, Verdict.OVERLOADED)
    is_late = (
        watch.stalled_ns > STALLED_SHARE * (watch.until_ns - watch.from_ns)
        or watch.greatest_gap_ns > GREAT_GAP * budget.lateness_ns
    )
    yield _statement(watch, _describe(watch), Verdict.LATE if is_late else Verdict.OK)


def _describe(watch: WorkerWatch) -> str:
    """The watch begins at T0."""
    greatest = format_duration(watch.greatest_gap_ns)
    if not watch.gap_count:
        return f"the forwarder never failed to work for longer than {greatest}, in {watch.passes} passes"
    longest = max(watch.gaps, key=lambda gap: gap.length_ns, default=None)
    when = ""
    if longest is not None and longest.begin_ns >= watch.from_ns:
        when = f" from {format_duration(longest.begin_ns - watch.from_ns)} after T0 on"
    if watch.gap_count == 1:
        return f"the forwarder did nothing for {greatest}{when}"
    in_all = format_duration(watch.stalled_ns)
    return f"the forwarder did nothing for {greatest}{when}, and for {in_all} in all, in {watch.gap_count} times"


def _statement(watch: WorkerWatch, says: str, verdict: Verdict = Verdict.OK) -> Statement:
    return Statement("worker", True, watch.from_ns, watch.until_ns, says, verdict)
