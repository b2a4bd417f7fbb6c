"""Records of a packet log as a forwarder would have written them, and the run that they are of."""

from __future__ import annotations

from dataclasses import replace

from support.synthetic_run import T0_NS, handover_plan, plan_record

from plctl.common.protocol.messages import DirectionResult, LinkResult
from plctl.common.telemetry.packet_log import NO_ROUTE, RECORD
from plctl.controller.results.run_record import RunRecord

LINK = "leo-0"


def served(number: int, route: int = 0, *, offset_ms: int = 0, flags: int = 0) -> bytes:
    """A packet that arrived `number` + `offset_ms` ms after T0 and took 10 ms."""
    arrival = T0_NS + (number + offset_ms) * 10**6
    times = (arrival, 50, arrival + 1, arrival + 2_000_000, arrival + 10_000_000, arrival + 10_000_300)
    return RECORD.pack(number, *times, route, 1500, 0, flags, 77, 0)


def dropped(number: int, *, flags: int = 0) -> bytes:
    """A packet of 60 bytes that found the queue full."""
    return RECORD.pack(number, T0_NS + number * 10**6, 0, 0, 0, 0, 0, NO_ROUTE, 60, 1, flags, 77, 0)


def asked(*, armed: bool = True, lost: int | None = None, capture_bytes: int = 0) -> RunRecord:
    """The record of a run of one link whose packets are logged."""
    plan = replace(handover_plan(LINK), packets=True, overhead_bytes=24, capture_bytes=capture_bytes)
    record = plan_record((plan,))
    half = DirectionResult(packet_log_lost=lost or 0)
    result = None if lost is None else LinkResult(LINK, half, half)
    return replace(record, links=(replace(record.links[0], planned_ns=T0_NS if armed else None, result=result),))
