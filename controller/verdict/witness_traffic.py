"""Witnesses of what a link did with its frames: losses by the machine, lateness, packet log, limits."""

from __future__ import annotations

from collections.abc import Iterator

from plctl.common.base.units import format_duration
from plctl.common.plan.run_plan import Budget
from plctl.common.protocol.messages import DirectionResult
from plctl.common.telemetry.counters import CounterGroup
from plctl.common.telemetry.quantile import shows_more_above
from plctl.controller.verdict.link_facts import LinkFacts
from plctl.controller.verdict.statements import frames, objection, remark, seen, unheard
from plctl.controller.verdict.verdict import Statement, Verdict

#: So much of all frames may be later than the budget allows: it is for their 99th percentile.
LATE_SHARE = 0.01


def hear_traffic(facts: LinkFacts, budget: Budget) -> Iterator[Statement]:
    """What the link carried: one that carried nothing shows nothing, however well it did that."""
    del budget
    if not facts.reported:
        yield unheard("traffic", "nothing is known of what the link carried")
        return
    idle = [direction for direction, half in facts.halves if not half.delivered_packets]
    if len(idle) == len(facts.halves) and not any(half.arrived_packets for _, half in facts.halves):
        yield remark("traffic", facts, "it carried nothing, in either direction")
    elif idle:
        says = "; ".join(_idle(direction, half) for direction, half in facts.halves if direction in idle)
        yield remark("traffic", facts, says)
    else:
        yield seen("traffic", facts, "; ".join(_carried(direction, half) for direction, half in facts.halves))


def hear_losses(facts: LinkFacts, budget: Budget) -> Iterator[Statement]:
    """Frames that the machine lost, by cause."""
    del budget
    lossy = [(direction, half) for direction, half in facts.halves if half.lost]
    for direction, half in lossy:
        says = f"the machine, not the scenario, lost {frames(half.lost)} {direction} ({half.causes(CounterGroup.LOST)})"
        yield objection("losses", facts, Verdict.OVERLOADED, says)
    if not facts.reported:
        yield unheard("losses", "nothing is known of frames that the machine lost")
    elif not lossy:
        arrived = " and ".join(f"{frames(half.arrived_packets)} {name}" for name, half in facts.halves)
        yield seen("losses", facts, f"the machine lost none of {arrived}")


def hear_lateness(facts: LinkFacts, budget: Budget) -> Iterator[Statement]:
    """How much later than due frames left."""
    if not facts.reported:
        yield unheard("lateness", "nothing is known of how late frames left")
        return
    late = [(direction, half) for direction, half in facts.halves if is_late(half, budget)]
    for direction, half in late:
        says = (
            f"frames {direction} left late: {_percentile(half, budget)}; ease the load on its host, or allow more"
            " (budget: {lateness: …})"
        )
        yield objection("lateness", facts, Verdict.LATE, says)
    for direction, half in facts.halves:
        if half.lateness_p99_ns > budget.lateness_ns and not is_late(half, budget):
            says = f"frames {direction} may be late: {_percentile(half, budget)}; that is too few to tell"
            yield remark("lateness", facts, says)
    if not late:
        yield seen("lateness", facts, "; ".join(_lateness(direction, half) for direction, half in facts.halves))


def is_late(half: DirectionResult, budget: Budget) -> bool:
    """Whether frames of a direction have shown that more than one in a hundred is later than the budget.

    The 99th percentile of a few dozen frames is their worst: one of them is no proof.
    """
    if half.late_packets is None:
        return half.lateness_p99_ns > budget.lateness_ns
    return shows_more_above(half.lateness_packets, half.late_packets, LATE_SHARE)


def _percentile(half: DirectionResult, budget: Budget) -> str:
    p99, allowed = format_duration(half.lateness_p99_ns), format_duration(budget.lateness_ns)
    if half.late_packets is None:
        return f"p99 {p99}, the budget is {allowed}"
    return f"p99 {p99}, as {half.late_packets} of {frames(half.lateness_packets)} were over the budget of {allowed}"


def hear_packet_log(facts: LinkFacts, budget: Budget) -> Iterator[Statement]:
    """Whether the packet log, where one was asked for, has every packet."""
    del budget
    if not facts.packet_log:
        return
    if not facts.reported:
        yield unheard("packet log", "nothing is known of the packet log's completeness")
        return
    holes = [(direction, half.packet_log_lost) for direction, half in facts.halves if half.packet_log_lost]
    for direction, lost in holes:
        records = "1 record" if lost == 1 else f"{lost} records"
        says = f"the packet log lacks {records} {direction}, for which it had no room"
        yield objection("packet log", facts, Verdict.UNPROVEN, says)
    without = [(direction, half.capture_lost) for direction, half in facts.halves if half.capture_lost]
    for direction, lost in without:
        says = f"the packet log lacks the first bytes of {frames(lost)} {direction}, for which it had no room"
        yield objection("packet log", facts, Verdict.UNPROVEN, says)
    if not holes and not without:
        yield seen("packet log", facts, "the packet log lacks no record")


def hear_limits(facts: LinkFacts, budget: Budget) -> Iterator[Statement]:
    """Limits that the agent ran into. None of them lost a frame: what did is among the losses."""
    del budget
    if not facts.reported:
        yield unheard("limits", "nothing is known of limits that were hit")
        return
    yield from (remark("limits", facts, says) for says in facts.limits)
    if not facts.limits:
        yield seen("limits", facts, "no limit is known to have been hit")


def _idle(direction: str, half: DirectionResult) -> str:
    if not half.arrived_packets:
        return f"it carried nothing {direction}"
    return f"{_carried(direction, half)}, none delivered"


def _carried(direction: str, half: DirectionResult) -> str:
    dropped = f", {half.dropped} dropped as the scenario asked" * bool(half.dropped)
    delivered = f", {half.delivered_packets} delivered" * bool(half.delivered_packets)
    return f"{frames(half.arrived_packets)} {direction}{delivered}{dropped}"


def _lateness(direction: str, half: DirectionResult) -> str:
    if half.lateness_p99_ns < 0:
        return f"nothing was delivered {direction}"
    p99, worst = format_duration(half.lateness_p99_ns), format_duration(half.lateness_max_ns)
    return f"p99 {p99} {direction}, the worst {worst}, of {frames(half.lateness_packets or half.delivered_packets)}"
