"""Reads from a folder's telemetry what a controller would answer of its links: sums so far, and the newest gauges."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

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
    aggregates = [(name, "sum" if name in LIVE_SUMS else "last") for name in LIVE_COLUMNS]
    grouped = table.group_by(["link", "direction"], use_threads=False).aggregate(aggregates)
    names = [f"{name}_{function}" for name, function in aggregates]
    return {(row["link"], row["direction"]): tuple(row[name] for name in names) for row in grouped.to_pylist()}
