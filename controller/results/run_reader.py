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
from plctl.controller.results.run_files import refuse_strange
from plctl.controller.results.run_record import RunRecord

RUN_NAME = "run.json"
EVENTS_NAME = "events.jsonl"
ARTIFACTS_NAME = "artifacts"
REPORT_NAME = "report.html"
TELEMETRY_PARTS_NAME = "telemetry.parts"  #: while the run goes on
#: What is read, or written anew, in a run's folder.
_NAMES = frozenset(
    "run events artifacts report digests telemetry socket_stats packets schedules sources figures".split()  # noqa: SIM905
)
#: Far more than a run of ten thousand links and days writes, and what may still be read into memory.
_MOST_BYTES = {RUN_NAME: 2**30, EVENTS_NAME: 2**32}


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

    :raises UserError: that is no folder of a run, or holds what may lead elsewhere or have no end.
    """
    try:
        refuse_strange(path, _NAMES, _MOST_BYTES)
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
    with explained(f"read {path / EVENTS_NAME}"):
        return event_log.merge(event_log.from_lines(event_log.lines_of(path / EVENTS_NAME)))
