"""A run of one link, made of a bare scenario: what a run spec would say may be said on the command line."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from plctl.common.base.errors import InputError, Problem
from plctl.common.base.names import NAME_MAX
from plctl.common.plan.offload import COALESCE_AUTO, OffloadChoice, decide_coalesce, decide_offload
from plctl.common.plan.run_plan import Budget, LinkPlan, Queue, Workload
from plctl.common.plan.run_request import LinkRequest, RunRequest, SourceFile
from plctl.common.scenario.readers.reader import ReadScenario

_ILLEGAL_IN_NAME = re.compile(r"[^A-Za-z0-9_.-]+")


@dataclass(frozen=True, slots=True)
class BareLink:
    """What the link and its run shall be like; the defaults are a run spec's."""

    queue: Queue = field(default_factory=Queue)
    budget: Budget = field(default_factory=Budget)
    repeat: bool = False  #: begin again after the last row
    overhead_bytes: int = 0
    socket_stats_ns: int = 0
    offload: OffloadChoice = "off"
    constants: Mapping[str, int] = field(default_factory=dict)  #: in every row, in place of its field


#: What a spec that says nothing of all this would have.
AS_A_SPEC_DOES = BareLink()


def bare_run(
    found: ReadScenario,
    path: Path,
    command: Sequence[str],
    bare: BareLink,
    *,
    name: str,
    seed: int,
    duration_ns: int,
) -> RunRequest:
    """One link with the scenario that was `found`, and `command` in its client namespace.

    :raises InputError: nothing says how long to run.
    """
    workloads = (Workload("client", "client", tuple(command), start_ns=0),) if command else ()
    natural_ns = 0 if bare.repeat else found.scenario.duration_ns
    if not (duration_ns or workloads or natural_ns):
        why = "repeats for ever" if bare.repeat else "has a single row"
        problem = f"{why}, so nothing says how long to run; give --duration, or a command after --"
        raise InputError([Problem(str(path), 0, 0, problem)])
    scenario = found.scenario.with_constants(bare.constants, bare.constants)
    offload = decide_offload(bare.offload, scenario.up, scenario.down)
    plan = LinkPlan(
        name_of(path),
        scenario.up,
        scenario.down,
        queue=bare.queue,
        overhead_bytes=bare.overhead_bytes,
        workloads=workloads,
        offload=offload,
        coalesce_ns=decide_coalesce(COALESCE_AUTO, offload, scenario.up, scenario.down),
    )
    return RunRequest(
        name=name,
        seed=seed,
        links=(LinkRequest(plan),),
        duration_ns=duration_ns or (0 if workloads else natural_ns),
        budget=bare.budget,
        socket_stats_ns=bare.socket_stats_ns,
        sources=tuple(SourceFile.of(file.name, file.text) for file in found.files if not file.is_long),
        warnings=found.warnings,
    )


def name_of(path: Path) -> str:
    """A legal name made of the file's."""
    return _ILLEGAL_IN_NAME.sub("-", path.stem).lstrip("_.-")[:NAME_MAX] or "run"
