"""All checks of a run's folder, one after the other."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa

from plctl.common.base.errors import PlctlError
from plctl.common.scenario.schedule import DIRECTIONS
from plctl.controller.packets.replay import replay_log
from plctl.controller.results.run_reader import read_events, read_record
from plctl.controller.results.run_record import RunRecord
from plctl.controller.verification.arithmetic import check_counters, check_packet_counts, check_telemetry
from plctl.controller.verification.check import ClaimCheck, found
from plctl.controller.verification.files import check_files, check_schedules, check_sources
from plctl.controller.verification.start import check_start
from plctl.controller.verification.verdicts import check_verdicts

#: What cannot be checked of a folder of format 1, and why.
_NOT_IN_FORMAT_1 = {
    "schedules": "its rows are in it, and nothing else has them to compare with",
    "verdicts": "it was judged by fewer witnesses, and does not say what the others saw",
    "replay": "its packet log lacks what the reference model needs to tell a copy from a frame",
}


def verify_run(folder: Path) -> Iterator[ClaimCheck]:
    """Check what the run in `folder` claims; each check as soon as it is done.

    :raises UserError: that is no folder of a run.
    """
    record = read_record(folder)
    older = [name for name in _NOT_IN_FORMAT_1 if record.format == 1]
    yield from (ClaimCheck(name, "unknown", f"run.json is of format 1: {_NOT_IN_FORMAT_1[name]}") for name in older)
    yield check_files(folder)
    if not older:
        yield check_schedules(folder, record)
    yield check_sources(folder, record)
    yield check_counters(record)
    yield check_telemetry(folder, record)
    try:
        events = read_events(folder)
    except PlctlError as error:
        yield ClaimCheck("events", "broken", str(error))
        events = []
    yield check_start(record, events)
    if not older:
        yield check_verdicts(record, events)
    counts = check_packet_counts(folder, record)
    if counts:
        yield counts
        if not older:
            yield check_replay(folder, record)


def check_replay(folder: Path, record: RunRecord) -> ClaimCheck:
    """The reference model, given the arrivals of each packet log, says the same of every frame, to the nanosecond."""
    wrong, compared, left_out = [], 0, 0
    for link in record.links:
        for direction in DIRECTIONS if link.plan.packets else ():
            where = f"{link.plan.name} {direction}"
            try:
                again = replay_log(folder, record, link, direction)
            except (PlctlError, OSError, pa.ArrowException, KeyError, ValueError) as error:
                wrong.append(f"the packet log of {where} cannot be replayed: {error}")
                continue
            compared += again.compared
            left_out += again.left_out
            if again.different:
                wrong.append(f"{where}: {again.different} frames differ, the first: {again.differences[0]}")
    rest = f"; {left_out} could not be compared" if left_out else ""
    return found("replay", wrong, f"{compared} frames through the reference model, no difference{rest}")
