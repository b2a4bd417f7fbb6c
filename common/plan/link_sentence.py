"""Says in a sentence or two what a link is: its queue, its path and what a change of route does to it."""

from __future__ import annotations

from plctl.common.base.units import format_duration
from plctl.common.plan.link_text import describe_queue
from plctl.common.plan.path_text import describe_path
from plctl.common.plan.run_plan import LinkPlan
from plctl.common.scenario.schedule import DIRECTIONS


def describe_link(plan: LinkPlan) -> str:
    """What the link is, in a sentence."""
    held = plan.reconfiguration
    queue = f"The bottleneck's queue is {describe_queue(plan.queue)}."
    if plan.queue_down:
        queue = (
            f"The bottleneck's queue up is {describe_queue(plan.queue)}; down it is {describe_queue(plan.queue_down)}."
        )
    asked = {direction: describe_path(plan, direction) for direction in DIRECTIONS}
    if asked["up"] == asked["down"]:
        queue += f" The path {asked['up']}." * bool(asked["up"])
    else:
        queue += "".join(f" The path {direction} {told}." for direction, told in asked.items() if told)
    if not held.delay_ns:
        return queue
    return f"{queue} A change of route stops the link for {format_duration(held.delay_ns)} (mode {held.mode})."
