"""Holds the packet logs of a run to the reference: see `plctl.common.reference.replay`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa

from plctl.common.reference.logged_frame import FrameFate, LoggedFrame
from plctl.common.reference.replay import Replay, replay
from plctl.common.scenario.schedule import Direction, Schedule
from plctl.common.telemetry.packet_log import VERDICTS
from plctl.controller.results import packet_file
from plctl.controller.results.run_record import LinkRecord, RunRecord

_CODES = {name: code for code, name in VERDICTS.items()}


def replay_log(folder: Path, record: RunRecord, link: LinkRecord, direction: Direction) -> Replay:
    """Hold the log of one direction of `link`, of the run in `folder`, to the reference.

    :raises OSError: the log cannot be read.
    """
    asked = link.asked
    schedule: Schedule = getattr(asked, direction)
    routes = {route: number for number, route in enumerate(dict.fromkeys(schedule.column("route")))}
    table = packet_file.read(folder, record, link, direction, captured=False)
    return replay(asked, direction, record.seed, link.planned_ns, _frames(table, routes))


def _frames(table: pa.Table, routes: dict[int, int]) -> Iterator[LoggedFrame]:
    for row in table.to_pylist():
        yield LoggedFrame(row["number"], row["copy"], row["length"], row["ecn"], row["flow"], _fate(row, routes))


def _fate(row: dict[str, Any], routes: dict[int, int]) -> FrameFate:
    return FrameFate(
        verdict=_CODES[row["verdict"]],
        arrival_ns=row["arrival_ns"],
        marked=row["marked"],
        start_ns=row["start_ns"] or 0,
        end_ns=row["end_ns"] or 0,
        due_ns=row["due_ns"] or 0,
        route=None if row["route"] is None else routes[row["route"]],
        bit=row["bit"],
    )
