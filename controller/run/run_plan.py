"""From a request and a placement to the record of a run that is about to begin, and from that to each host's share."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from plctl.common.plan.run_plan import LinkPlan, RunPlan
from plctl.common.plan.run_request import RunRequest, resolve
from plctl.controller.results.run_record import EarlierAttempt, LinkRecord, RunRecord, software_versions
from plctl.controller.results.source_files import source_names


def planned(
    request: RunRequest,
    hosts: Mapping[str, str],
    run: str,
    *,
    command: tuple[str, ...],
    created_utc: str,
    attempts: tuple[EarlierAttempt, ...] = (),
) -> RunRecord:
    """The record of `run`, whose links go where `hosts` says; `command` is the argv that asked for it.

    :param attempts: the runs that were made for the same request before.
    """
    return RunRecord(
        run=run,
        name=request.name,
        seed=request.seed,
        links=tuple(LinkRecord(resolve(link, hosts[link.plan.name]), hosts[link.plan.name]) for link in request.links),
        labels=request.labels,
        command=command,
        sources=source_names(source.path for source in request.sources),
        repositories=request.repositories,
        duration_ns=request.duration_ns,
        budget=request.budget,
        sample_interval_ns=request.sample_interval_ns,
        socket_stats_ns=request.socket_stats_ns,
        on_failure=request.on_failure,
        retries=request.retries,
        attempts=attempts,
        versions=software_versions(),
        created_utc=created_utc,
    )


def plans_of(record: RunRecord) -> dict[str, RunPlan]:
    """Each host's share of the run, by host."""
    links: dict[str, list[LinkPlan]] = defaultdict(list)
    for link in record.links:
        links[link.host].append(link.plan)
    return {
        host: RunPlan(
            run=record.run,
            seed=record.seed,
            links=tuple(share),
            duration_ns=record.duration_ns,
            budget=record.budget,
            sample_interval_ns=record.sample_interval_ns,
            socket_stats_ns=record.socket_stats_ns,
        )
        for host, share in links.items()
    }
