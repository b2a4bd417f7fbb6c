"""Reads what a run's folder says of the run, whether it is over, goes on or was cut off.

Apart from `run_folder`, which writes it.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from plctl.common.base.errors import ProtocolError, UserError
from plctl.controller.results import event_log, run_record
from plctl.controller.results.disk_errors import explained
from plctl.controller.results.event_log import Event
from plctl.controller.results.run_record import RunRecord

RUN_NAME = "run.json"
EVENTS_NAME = "events.jsonl"
ARTIFACTS_NAME = "artifacts"
REPORT_NAME = "report.html"
TELEMETRY_PARTS_NAME = "telemetry.parts"  #: while the run goes on


def is_open(path: Path) -> bool:
    """Whether a process still writes to the folder `path` of a run; the kernel knows, even if that one was killed."""
    try:
        with (path / EVENTS_NAME).open("rb") as log:
            fcntl.flock(log, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except OSError:
        return True
    return False


def read_record(path: Path) -> RunRecord:
    """What the run in the folder `path` says of itself.

    :raises UserError: that is no folder of a run.
    """
    try:
        return run_record.from_json((path / RUN_NAME).read_text(encoding="utf-8"), path)
    except OSError as error:
        what = os.strerror(error.errno or 0)
        raise UserError(f"{path} is not a run's folder: cannot read {path / RUN_NAME}: {what}") from None
    except (ValueError, ProtocolError) as error:
        raise UserError(f"{path / RUN_NAME} is not a run's record: {error}") from None


def read_events(path: Path) -> list[Event]:
    """The log of the run in the folder `path`, in controller time, also while the run goes on.

    :raises WorldError: it cannot be read.
    """
    with explained(f"read {path / EVENTS_NAME}"), (path / EVENTS_NAME).open(encoding="utf-8") as file:
        return event_log.merge(event_log.from_lines(file))
