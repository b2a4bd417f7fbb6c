"""Reads from a folder's telemetry what a controller would answer of its links: sums so far, and the newest gauges."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pyarrow.compute as pc

from plctl.common.protocol.requests import LIVE_COLUMNS, LIVE_SUMS
from plctl.controller.results import telemetry_file
from plctl.controller.results.run_record import RunRecord

#: The values of `LIVE_COLUMNS` by link and direction.
LiveValues = dict[tuple[str, str], tuple[int, ...]]


def read_live(folder: Path, record: RunRecord, links: Sequence[str] | None = None) -> LiveValues:
    """What the telemetry in `folder` says of `links`, or of all; nothing of those that have none yet."""
    try:
        table = telemetry_file.read(folder, record.run, record.t0_by_host(), links=links)
    except OSError:  # there is none yet
        return {}
    newest = pc.ScalarAggregateOptions(skip_nulls=False)  # that nothing was measured is the news, too
    aggregates = [(name, "sum", None) if name in LIVE_SUMS else (name, "last", newest) for name in LIVE_COLUMNS]
    grouped = table.group_by(["link", "direction"], use_threads=False).aggregate(aggregates)
    names = [f"{name}_{function}" for name, function, _ in aggregates]
    return {(row["link"], row["direction"]): tuple(_number(row[name]) for name in names) for row in grouped.to_pylist()}


def _number(value: int | None) -> int:
    """A null as it travels."""
    return -1 if value is None else value
