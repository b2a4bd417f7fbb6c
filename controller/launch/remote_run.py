"""Takes a validated request through a run of a controller: submit, follow, fetch. The run needs us for none of it.

Ctrl-C detaches. Whoever comes back uses `plctl show RUN --follow`.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from pathlib import Path

from rich.console import Console

from plctl.common.client.config import ControllerAccess
from plctl.common.client.controller_client import Client
from plctl.common.client.options import converse
from plctl.common.host.caller import give_to_caller
from plctl.common.host.repositories import repositories_of
from plctl.common.plan.run_request import RunRequest
from plctl.common.protocol import requests as rq
from plctl.controller.launch.follow_options import FollowOptions
from plctl.controller.results.run_record import RunRecord
from plctl.controller.run.retry import told
from plctl.controller.view.fetch_progress import fetch_visibly
from plctl.controller.view.follow import follow
from plctl.controller.view.foreground import Foreground
from plctl.controller.view.remote_runs import RemoteRuns

#: Placing thousands of links, and writing their plan down, may take longer than to look something up.
SUBMIT_SECONDS = 120.0


class Detached(KeyboardInterrupt):
    """The user left a run that goes on; `run` is empty if it is not known whether it began."""

    def __init__(self, run: str) -> None:
        super().__init__()
        self.run = run


@dataclass(frozen=True, slots=True)
class FollowOutcome:
    """How far we followed the run. `record` is None if not to its end, `folder` if its results were not fetched."""

    submitted: rq.Submitted
    record: RunRecord | None = None
    folder: Path | None = None


def run_remotely(
    request: RunRequest,
    access: ControllerAccess,
    order: FollowOptions,
    console: Console,
    foreground: Foreground | None = None,
) -> FollowOutcome:
    """Run `request` with the controller of `access`, and follow it on `console` unless the order is to detach.

    :raises Detached: Ctrl-C; the run goes on.
    :raises UserError: the controller refuses it, or this key may not run.
    :raises WorldError: the controller is lost.
    """
    begun: list[str] = []
    try:
        return converse(
            access, lambda client: carry_through(client, request, order, console, begun, foreground=foreground)
        )
    except KeyboardInterrupt:
        raise Detached("".join(begun)) from None


def plan_remotely(
    request: RunRequest, access: ControllerAccess, order: FollowOptions
) -> tuple[rq.Submitted, tuple[rq.AgentInfo, ...]]:
    """Where the controller of `access` would place the links of `request`, and its agents; nothing is touched.

    :raises UserError: the controller refuses it, or this key may not run.
    :raises WorldError: the controller is lost.
    """

    async def plan(client: Client) -> tuple[rq.Submitted, tuple[rq.AgentInfo, ...]]:
        submit = rq.Submit(request, order.policy, order.force, order.wait, plan_only=True)
        submitted = await client.ask(submit, rq.Submitted, SUBMIT_SECONDS)
        return submitted, (await client.ask(rq.ListAgents(), rq.Agents)).agents

    return converse(access, plan)


async def carry_through(
    client: Client,
    request: RunRequest,
    order: FollowOptions,
    console: Console,
    begun: list[str],
    *,
    foreground: Foreground | None = None,
) -> FollowOutcome:
    """As `run_remotely`, within a conversation; once it is known, the run's id is put into `begun`."""
    request = replace(request, repositories=request.repositories or repositories_of(request.sources))
    submit = rq.Submit(request, order.policy, order.force, order.wait, command=tuple(sys.argv))
    submitted = await client.ask(submit, rq.Submitted, SUBMIT_SECONDS)
    begun.append(submitted.run)
    for warning in submitted.warnings:
        console.print(f"warning: {warning}", markup=False, soft_wrap=True)
    if submitted.waits:
        console.print(f"run {submitted.run} waits: {submitted.waits}", markup=False, soft_wrap=True)
    if order.detach:
        return FollowOutcome(submitted)
    hosts = sorted({each.host for each in submitted.assignments})
    console.print(f"run {submitted.run} on {', '.join(hosts)}; Ctrl-C leaves it alone", markup=False, soft_wrap=True)
    source = RemoteRuns(client, client.address)
    run, folder = submitted.run, None
    while True:
        record = await follow(source, run, console, foreground=foreground)
        if order.fetch_to:
            folder = await fetch_visibly(source, run, order.fetch_to, quiet=console.quiet)
            give_to_caller(folder)
        if not (again := (await source.state(run)).info.retried_as):
            return FollowOutcome(submitted, record, folder)
        run = again
        begun[:] = [run]
        console.print(f"{told(record)}: {run}", markup=False, soft_wrap=True)
