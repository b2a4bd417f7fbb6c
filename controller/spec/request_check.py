"""Refuses a run that no run spec could have asked for: a client may be anybody's program, and hosts obey as root.

The wire has checked types already. What a spec's reader promises beside them is checked here again, as far as anything
depends on it: names become paths and namespaces.
"""

from __future__ import annotations

from plctl.common.base.errors import UserError
from plctl.common.base.units import NS_PER_MS
from plctl.common.plan.run_request import RunRequest
from plctl.controller.spec.model import check_name

#: The shortest interval between samples.
MIN_SAMPLE_INTERVAL_NS = 1 * NS_PER_MS


def check_request(request: RunRequest) -> None:
    """Return if `request` can be run.

    :raises UserError: it cannot; the message says why.
    """
    try:
        _check(request)
    except ValueError as error:
        raise UserError(f"this is no run: {error}") from None


def _check(request: RunRequest) -> None:
    names = [link.plan.name for link in request.links]
    if not names or len({*names}) < len(names):
        raise ValueError("it has no links, or two of the same name")
    if request.duration_ns < 0 or request.sample_interval_ns < MIN_SAMPLE_INTERVAL_NS:
        raise ValueError("its duration or its sample interval is too short")
    for link in request.links:
        check_name(link.plan.name)
        workloads = [check_name(workload.name) for workload in link.plan.workloads]
        if len({*workloads}) < len(workloads):
            raise ValueError(f"link {link.plan.name} has two workloads of the same name")
    for schedule in {schedule for link in request.links for schedule in (link.plan.up, link.plan.down)}:
        schedule.check()
