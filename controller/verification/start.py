"""When links started, and how far apart they can have: recomputed from the clock record and from the log."""

from __future__ import annotations

from collections.abc import Iterable

from plctl.controller.results.event_log import Event
from plctl.controller.results.run_record import RunRecord, skew_bound_of
from plctl.controller.verification.check import ClaimCheck, found


def check_start(record: RunRecord, events: Iterable[Event]) -> ClaimCheck:
    """T0 on each host's clock, the starts that agents reported, and the bound on the skew fit together."""
    if record.t0_ns is None:
        return ClaimCheck("start", "unknown", "the run was never armed, so it has no start")
    log = list(events)
    wrong = [*_translation(record), *_told(record, log), *_bounds(record, log)]
    if (bound := skew_bound_of(record)) != record.skew_bound_ns:
        wrong.append(f"the clock record gives a skew of at most {bound} ns, run.json says {record.skew_bound_ns} ns")
    started = sum(link.started_ns is not None for link in record.links)
    bounded = f"from the clock record, at most {bound} ns apart" if bound >= 0 else "no bound is known"
    return found("start", wrong, f"{started} of {len(record.links)} links started; {bounded}")


def _translation(record: RunRecord) -> Iterable[str]:
    """T0 was placed on each host's clock by the offset that the record has."""
    hosts = record.hosts_by_name()
    for link in record.links:
        offset = hosts[link.host].clock_offset_ns
        if link.planned_ns is not None and offset is not None and record.t0_ns != link.planned_ns + offset:
            yield f"{link.plan.name}: T0 on {link.host} is {link.planned_ns}, not what its offset of {offset} ns gives"


def _told(record: RunRecord, log: list[Event]) -> Iterable[str]:
    """What the log says of each start."""
    told = {event.get("link"): event for event in log if event.get("event") == "link.started" and "late_ns" in event}
    for link in record.links:
        event = told.get(link.plan.name)
        if event and link.skew_ns is not None and event["late_ns"] != link.skew_ns:
            yield f"{link.plan.name} started {event['late_ns']} ns after T0 by the log, {link.skew_ns} ns by run.json"


def _bounds(record: RunRecord, log: list[Event]) -> Iterable[str]:
    """The bounds on the clocks as the agents armed with them."""
    told = {str(event.get("host")): event.get("bound_ns") for event in log if event.get("event") == "agent.armed"}
    for host in record.hosts:
        if isinstance(bound := told.get(host.name), int) and bound != host.bound_before_ns:
            yield f"{host.name} armed with a bound of {bound} ns by the log, {host.bound_before_ns} ns by run.json"
    committed = [event.get("t0_ns") for event in log if event.get("event") == "run.committed"]
    if committed and committed[-1] != record.t0_ns:
        yield f"the log has T0 at {committed[-1]}, run.json at {record.t0_ns}"
