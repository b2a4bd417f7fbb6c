"""What a link asks of its host: memory for the frames inside it, and packets a second. Both are upper estimates.

The agent's forwarder refuses links by the same memory figure by which the controller places them.
"""

from __future__ import annotations

from functools import lru_cache

from plctl.common.base.units import ASSUMED_RATE_BPS, NS_PER_S, RATE_UNLIMITED
from plctl.common.plan.run_plan import ETHERNET_HEADER, Capacity, LinkPlan
from plctl.common.scenario.schedule import DIRECTIONS, Direction, Schedule
from plctl.common.telemetry.packet_log import CAPTURE_LOG_BYTES, LOG_BYTES

_SLOTS = (128, 512, 2048, 10240)  # of the frame store, as in agent/native/io/pool.c
_SLOT_HEAD = 112
_RECEIVING_BYTES = 2**20  # in which a link with super-frames receives, one chunk of the store
_TEN_FRAMES = 10


def need_bytes(plan: LinkPlan) -> int:
    """Bytes for a link that is filled with full-size frames: both queues, what is in flight, the packet log if any."""
    inside = sum(_inside(plan, direction) for direction in DIRECTIONS)
    return _stored_bytes(plan, inside) + _log_bytes(plan)


def _stored_bytes(plan: LinkPlan, inside: int) -> int:
    """What the store takes for `inside` bytes of full-size frames."""
    if plan.offload == "on":  # a super-frame takes a slot of at most twice its size; a segment, a small one of its own
        return 2 * inside + -(-inside // _frame(plan)) * _SLOTS[0] + _RECEIVING_BYTES
    return inside * slot_bytes(_frame(plan)) // _frame(plan)


def need_packets_per_s(plan: LinkPlan) -> int:
    """Full-size frames a second, both ways together, when each direction is used at its schedule's greatest rate.

    Smaller packets would be more: how many cannot be told from a scenario.
    """
    frame = _frame(plan) + plan.overhead_bytes
    rates = (
        max(schedule.greatest_rate_bps, ASSUMED_RATE_BPS if schedule.is_unlimited else 0)
        for schedule in (plan.up, plan.down)
    )
    return sum(-(-rate // (8 * frame)) for rate in rates)


def slot_bytes(length: int) -> int:
    """Bytes that the forwarder's store takes for a frame of `length` bytes."""
    return next((size for size in _SLOTS if length + _SLOT_HEAD <= size), _SLOTS[-1])


def _log_bytes(plan: LinkPlan) -> int:
    return (LOG_BYTES if plan.packets else 0) + (CAPTURE_LOG_BYTES if plan.capture_bytes else 0)


def _frame(plan: LinkPlan) -> int:
    return plan.mtu + ETHERNET_HEADER


def _inside(plan: LinkPlan, direction: Direction) -> int:
    schedule: Schedule = getattr(plan, direction)
    return _inside_bytes(schedule, plan.queue_of(direction).capacity, _frame(plan))


@lru_cache(maxsize=1024)  # many links share a schedule, which may have a million rows
def _inside_bytes(schedule: Schedule, capacity: Capacity, frame: int) -> int:
    """Bytes queued and in flight at most, over all rows, where a full-size frame has `frame` bytes."""
    queue = flight = 0
    for rate_bps, delay_ns, queue_bytes in schedule.states:
        served = _rate(rate_bps) * delay_ns
        flight = max(flight, served // (8 * NS_PER_S))
        queue = max(queue, queue_bytes if queue_bytes >= 0 else _capacity(capacity, served, frame))
    queue *= schedule.bottlenecks  # each of which may be full
    # Opportunities come in bursts, which bring in flight at once what had to wait, beside what the mean rate does.
    return queue + flight + (queue if schedule.facts.opportunities else 0)


def _capacity(capacity: Capacity, served: int, frame: int) -> int:
    """Bytes of the queue; `served` is rate × delay, in bit/s × ns."""
    match capacity.unit:
        case "bytes":
            return capacity.amount
        case "packets":
            return capacity.amount * frame
        case "bdp":
            return max(_TEN_FRAMES * frame, served * 2 * capacity.amount // (8 * NS_PER_S * 10**6))


def _rate(rate_bps: int) -> int:
    return ASSUMED_RATE_BPS if rate_bps >= RATE_UNLIMITED else rate_bps
