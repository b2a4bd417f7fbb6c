"""Says in sentences what became of a link's frames as the scenario asked: what its queue did, and what its path did."""

from __future__ import annotations

from collections.abc import Iterator

from plctl.common.plan.link_text import describe_queue
from plctl.common.plan.path_text import describe_path
from plctl.common.plan.run_plan import LinkPlan
from plctl.common.scenario.schedule import Direction
from plctl.common.telemetry.counters import CAUSES, CounterGroup, HalfCounters

#: Groups of what the emulated path does to frames, and of these the counters that have words of their own below.
_GROUPS = (CounterGroup.DROPPED, CounterGroup.MARKED, CounterGroup.DUPLICATED, CounterGroup.CORRUPTED)
_TOLD = (
    "dropped_queue_full_packets", "dropped_aqm_packets", "ce_marked_packets", "dropped_random_loss_packets",
    "corrupted_packets", "duplicated_packets",
)  # fmt: skip
_OTHERS = tuple(name for group in _GROUPS for name in CAUSES[group] if name not in _TOLD)


def what_happened(plan: LinkPlan, direction: Direction, half: HalfCounters, *, brief: bool = False) -> Iterator[str]:
    """A sentence on the queue and one on the path of a direction, if they did anything to frames or were to.

    :param brief: without what was asked for.
    """
    if done := _by_queue(half):
        queue = plan.queue_of(direction)
        yield (
            f"the queue ({queue.discipline}) {done}"
            if brief
            else f"the queue, which is {describe_queue(queue)}, {done}"
        )
    done = _by_path(half)
    if brief:
        yield from [f"the path {done}"] * bool(done)
        return
    asked = describe_path(plan, direction)
    if asked or done:
        yield f"the path {done or 'did nothing to frames'}; it {asked or 'was asked for nothing'}"


def _by_queue(half: HalfCounters) -> str:
    full, managed, marked = half.dropped_queue_full_packets, half.dropped_aqm_packets, half.ce_marked_packets
    parts = [
        f"dropped {full} of {half.arrived_packets} frames for want of room" if full else "",
        f"dropped {managed} of {half.arrived_packets} so that it stays short" if managed else "",
        f"marked {marked} with CE" if marked else "",
    ]
    return _listed(parts)


def _by_path(half: HalfCounters) -> str:
    lost, served = half.dropped_random_loss_packets, half.served_packets
    parts = [
        f"lost {lost} of {served} frames at random ({100 * lost / max(served, 1):.3g} %)" if lost else "",
        f"flipped a bit in {half.corrupted_packets}" if half.corrupted_packets else "",
        f"sent {half.duplicated_packets} twice" if half.duplicated_packets else "",
        *(f"counted {count} {name.removesuffix('_packets')}" for name in _OTHERS if (count := getattr(half, name))),
    ]
    return _listed(parts)


def _listed(parts: list[str]) -> str:
    """The parts that there are: ``a, b and c``."""
    *others, last = [part for part in parts if part] or [""]
    return f"{', '.join(others)} and {last}" if others else last
