"""Which links carry super-frames, where a spec leaves that to us."""

from __future__ import annotations

from typing import Literal

from plctl.common.base.errors import UserError
from plctl.common.base.units import NS_PER_MS, NS_PER_US, format_duration, parse_duration
from plctl.common.plan.run_plan import COALESCE_NS, Offload
from plctl.common.scenario.schedule import Schedule

OffloadChoice = Literal["auto", "on", "off"]

#: The longest that a segment may wait for others.
COALESCE_MAX_NS = 10 * NS_PER_MS
#: What leaves it to `decide_coalesce`.
COALESCE_AUTO = -1
#: What `auto` is: an eighth of the least delay, within these bounds. With the most a segment waits for those that are
#: due 100 µs behind it, which at 100 Mbit/s none is.
_COALESCE_LEAST_NS, _COALESCE_MOST_NS = 20 * NS_PER_US, 200 * NS_PER_US
#: `auto` is `on` where a direction has, at some time, this rate or a higher one: below, a frame leaves every 24 µs at
#: most, and what a frame costs hardly matters.
AUTO_RATE_BPS = 500_000_000


def decide_offload(choice: OffloadChoice, up: Schedule, down: Schedule) -> Offload:
    """What `choice` is for a link with these schedules."""
    if choice != "auto":
        return choice
    fast = any(each.is_unlimited or each.greatest_rate_bps >= AUTO_RATE_BPS for each in (up, down))
    return "on" if fast else "off"


def decide_coalesce(choice_ns: int, offload: Offload, up: Schedule, down: Schedule) -> int:
    """How long a segment may wait on a link with these schedules, in ns; `choice_ns` unless that is COALESCE_AUTO."""
    if choice_ns != COALESCE_AUTO:
        return choice_ns
    if offload == "off":  # nothing waits: the plan is the same as ever
        return COALESCE_NS
    least_ns = min(min(each.column("delay_ns")) for each in (up, down))
    return max(_COALESCE_LEAST_NS, min(least_ns // 8, _COALESCE_MOST_NS))


def read_coalesce(text: str) -> int:
    """Nanoseconds, or COALESCE_AUTO for `auto`; a bare 0 needs no unit.

    :raises UserError: no duration, or a longer one than a segment may wait.
    """
    if text == "auto":
        return COALESCE_AUTO
    found_ns = 0 if text == "0" else parse_duration(text)
    if found_ns > COALESCE_MAX_NS:
        raise UserError(f"{text!r} is too long for a segment to wait; write at most {format_duration(COALESCE_MAX_NS)}")
    return found_ns
