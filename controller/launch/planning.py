"""Makes the folder of a run on this machine, and writes down in it what is about to run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from plctl.common.base.clock import Clock
from plctl.common.host.caller import give_to_caller, make_for_caller
from plctl.common.host.repositories import repositories_of
from plctl.common.plan.run_plan import RunPlan
from plctl.common.plan.run_request import RunRequest
from plctl.controller.launch.local_agent import LOCAL_HOST
from plctl.controller.results.disk_errors import explained
from plctl.controller.results.run_folder import RunFolder, new_run_id
from plctl.controller.results.run_record import RunRecord, rfc3339
from plctl.controller.run.retry import attempts_until, next_id, note_retry
from plctl.controller.run.run_plan import planned, plans_of


def plan_run(
    request: RunRequest, out: Path, clock: Clock, command: Sequence[str], before: RunRecord | None = None
) -> tuple[RunPlan, RunFolder]:
    """What the local agent is to do for `request`, and the run's folder below `out`, open; `command` asked for it.

    :param before: the run after which this is the next attempt.
    :raises WorldError: the folder cannot be written.
    """
    with explained(f"make the folder {out} for results"):
        make_for_caller(out)
    run = next_id(before, out) if before else new_run_id(request.name, clock.wall_ns())
    folder = RunFolder.create(out, run)
    try:
        give_to_caller(folder.path)
        request = replace(request, repositories=request.repositories or repositories_of(request.sources))
        hosts = {link.plan.name: LOCAL_HOST for link in request.links}
        created_utc = rfc3339(clock.wall_ns())
        attempts = attempts_until(before) if before else ()
        record = planned(request, hosts, run, command=tuple(command), created_utc=created_utc, attempts=attempts)
        folder.record_plan(record, request.sources)
        note_retry(folder, record, clock)
    except BaseException:
        folder.close()
        give_to_caller(folder.path)
        raise
    return plans_of(record)[LOCAL_HOST], folder
