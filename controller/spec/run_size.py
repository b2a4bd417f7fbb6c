"""Refuses a run that no message could carry to its hosts, before anything is touched."""

from __future__ import annotations

from plctl.common.base.columns import NUMBER_BYTES
from plctl.common.base.errors import InputError, Problem, ProtocolError
from plctl.common.base.units import format_size
from plctl.common.plan.run_plan import LinkPlan
from plctl.common.plan.run_request import RunRequest
from plctl.common.protocol import messages as m
from plctl.common.protocol.requests import Submit
from plctl.common.protocol.wire import MAX_MESSAGE_BYTES

#: What a link's plan takes in a message beside its workloads' words.
_LINK_BYTES = 1024
_SAFE = 0.5  #: of the limit: what is estimated to be less needs no exact look


def check_size(request: RunRequest, file: str) -> None:
    """Return if `request`, which was read from `file`, fits into a message to a controller, and so its plan to a host.

    :raises InputError: it does not; the message says what takes the room and what to do.
    """
    schedules = {schedule for link in request.links for schedule in (link.plan.up, link.plan.down)}
    rows = sum(map(len, schedules))
    numbers = sum(len(schedule) * len(schedule.columns) for schedule in schedules)
    links = sum(_LINK_BYTES + _words(link.plan) for link in request.links)
    sources = sum(len(source.deflated) for source in request.sources)
    traces = [schedule.opportunities for schedule in schedules if schedule.opportunities]
    gaps = sum(len(trace.gaps) for trace in traces)
    if numbers * NUMBER_BYTES + gaps + links + sources < _SAFE * MAX_MESSAGE_BYTES:
        return
    try:
        m.encode(m.Envelope(Submit(request), id=1))
    except ProtocolError:
        count = sum(trace.count for trace in traces)
        told = f"{rows} rows and {count} delivery opportunities" if count else f"{rows} rows"
        raise InputError([Problem(file, 0, 0, _too_large(len(request.links), len(schedules), told))]) from None


def _too_large(links: int, schedules: int, told: str) -> str:
    remedy = "; cut traces, or let their mean rate serve (service: rate)" if "opportunities" in told else ""
    return (
        f"is too large to be sent: {links} links, {schedules} different schedules with {told} in all, and the "
        f"files they are from must fit into {format_size(MAX_MESSAGE_BYTES)}; let links share scenarios, give them "
        f"fewer rows, or make several runs of it{remedy}"
    )


def _words(plan: LinkPlan) -> int:
    """Bytes of the texts of its workloads."""
    return sum(
        len(word.encode()) + NUMBER_BYTES
        for workload in plan.workloads
        for word in (*workload.command, *workload.env, *workload.env.values())
    )
