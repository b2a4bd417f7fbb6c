"""Writes traces of mahimahi's: delivery opportunities, or the milliseconds at which a rate has carried a frame."""

from __future__ import annotations

from collections.abc import Iterable

from plctl.common.base.units import NS_PER_MS, NS_PER_S, RATE_UNLIMITED, format_duration
from plctl.common.scenario.opportunities import FULL_FRAME_BYTES, WORTH_BYTES, Opportunities
from plctl.common.scenario.schedule import Direction, Scenario, Schedule
from plctl.common.scenario.writers.writer import Written, durations_ns, only

_BITS = FULL_FRAME_BYTES * 8


class MahimahiWriter:
    """The writer of them."""

    title = "mahimahi's trace"

    def write(self, scenario: Scenario, direction: Direction | None) -> Written:
        """As `Writer.write`: opportunities as they are; what a rate carries within a ms has the stamp of its end."""
        schedule = only(scenario, direction, self.title)
        delays = ["delays: give them to mm-delay"] if any(schedule.column("delay_ns")) else []
        text, losses = _of_trace(schedule.opportunities) if schedule.opportunities else _of_rates(scenario, schedule)
        return Written({".trace": text}, (*losses, *delays))


def _of_trace(trace: Opportunities) -> tuple[str, list[str]]:
    """The text, and what it does not say."""
    losses = []
    if trace.unit_ns % NS_PER_MS:
        losses.append("opportunities at other times than whole milliseconds")
    if trace.worth_bytes != WORTH_BYTES:
        losses.append(f"that an opportunity is worth {trace.worth_bytes} bytes, not {WORTH_BYTES}")
    if trace.last_ns != trace.period_ns:
        losses.append(f"that it begins again after {format_duration(trace.period_ns)}: there it is the last stamp")
    stamps = ("\n".join(str(-(-at // NS_PER_MS)) for at in piece) for piece in trace.pieces())
    return "\n".join(stamps) + "\n", losses


def _of_rates(scenario: Scenario, schedule: Schedule) -> tuple[str, list[str]]:
    losses = ["rates but as whole frames at whole milliseconds"]
    if RATE_UNLIMITED in schedule.column("rate_bps"):
        losses.append("an unlimited rate")
    steps = zip(durations_ns(schedule, scenario.end_ns), schedule.column("rate_bps"), strict=True)
    stamps, end_ms = _stamps((length, 0 if rate >= RATE_UNLIMITED else rate) for length, rate in steps)
    if not stamps or stamps[-1] < end_ms:
        losses.append(f"that it lasts {end_ms} ms: its last stamp ends it")
    return "".join(f"{stamp}\n" for stamp in stamps or [end_ms]), losses


def _stamps(steps: Iterable[tuple[int, int]]) -> tuple[list[int], int]:
    """When, in ms, the rates of these durations have carried another full frame; and when the last of them ends."""
    stamps: list[int] = []
    at_ns, carried = 0, 0  # of a frame; in bits × ns/s, so that sums are exact
    for duration_ns, rate_bps in steps:
        rest_ns = duration_ns
        while rate_bps and (need_ns := -(-(_BITS * NS_PER_S - carried) // rate_bps)) <= rest_ns:
            at_ns += need_ns
            rest_ns -= need_ns
            carried += rate_bps * need_ns - _BITS * NS_PER_S
            stamps.append(-(-at_ns // NS_PER_MS))
        at_ns += rest_ns
        carried += rate_bps * rest_ns
    return stamps, max(1, -(-at_ns // NS_PER_MS))
