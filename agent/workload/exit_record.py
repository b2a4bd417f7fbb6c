"""What is left of a workload beside its output: `<workload>.exit.json`."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True)
class ExitRecord:
    """How a workload ended. Times are CLOCK_MONOTONIC of its host; null where there was no such moment."""

    command: tuple[str, ...]  #: what was executed, with every placeholder filled in
    at: str  #: `client` or `server`
    pid: int  #: of its first process
    status: int | None  #: exit status, or minus the signal that ended it
    t0_ns: int | None  #: the run's T0
    planned_ns: int | None  #: when the command was to be executed; null: as soon as it was there
    executed_ns: int | None  #: when it was
    executed_after_t0_s: float | None  #: the same, after T0
    ended_ns: int | None  #: when its agent noticed its end
    ended_after_t0_s: float | None  #: the same, after T0
    ended_with_the_run: bool  #: the end of the run ended it, which is no failure
    timed_out: bool  #: its own time-out ended it
    cause: str  #: why it failed; empty if it did not

    def to_json(self) -> str:
        """The text of the file."""
        return json.dumps(asdict(self), indent=1) + "\n"
