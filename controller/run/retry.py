"""Says whether a run is to be made again, under which name, and what the next attempt's record tells of the others."""

from __future__ import annotations

import secrets
from pathlib import Path

from plctl.common.base.clock import Clock
from plctl.controller.results.event_log import CONTROLLER
from plctl.controller.results.run_folder import RunFolder
from plctl.controller.results.run_record import EarlierAttempt, RunRecord


def may_retry(record: RunRecord) -> bool:
    """Whether the run of `record`, which is over, is to be made again: what it measured is nothing that failed."""
    return record.verdict == "failed" and bool(record.setback) and len(record.attempts) < record.retries


def attempts_until(record: RunRecord) -> tuple[EarlierAttempt, ...]:
    """What the next attempt's record has of all before it, the last of which is that of `record`."""
    last = EarlierAttempt(record.run, record.setback, record.cause, record.setback_by)
    return (*record.attempts, last)


def next_id(record: RunRecord, base: Path) -> str:
    """The id of the attempt after that of `record`: the first one's, and the number of the attempt.

    With some digits behind it where there is a folder of that name below `base`: a controller was killed that had made
    it, and nothing else.
    """
    first = record.attempts[0].run if record.attempts else record.run
    run = f"{first}-{len(record.attempts) + 2}"
    return f"{run}-{secrets.token_hex(2)}" if (base / run).exists() else run


def note_retry(folder: RunFolder, record: RunRecord, clock: Clock) -> None:
    """Begin the log of an attempt that is not the first with what it is; nothing for the first."""
    if record.attempts:
        from plctl.common.base.log import Event, make_log  # noqa: PLC0415  # structlog takes long to import

        last, lines = record.attempts[-1], list[Event]()
        log = make_log(lines.append, clock, host=CONTROLLER, run=record.run)
        log.emit("run.retry", retry_of=last.run, attempt=len(record.attempts) + 1, cause=last.cause)
        folder.append_events(lines, CONTROLLER)


def told(record: RunRecord) -> str:
    """The sentence that says that the run of `record` is made again, as `next_id` says, and why."""
    number = len(record.attempts) + 2
    return f"run {record.run} has failed ({record.cause}); attempt {number} of at most {record.retries + 1} begins"
