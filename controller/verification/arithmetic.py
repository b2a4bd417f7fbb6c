"""The arithmetic of counters: every frame is somewhere, and telemetry adds up to what the run counted."""

from __future__ import annotations

import itertools
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from plctl.common.scenario.schedule import DIRECTIONS
from plctl.common.telemetry.counters import BALANCE, COUNTERS
from plctl.controller.results import packet_file, telemetry_file
from plctl.controller.results.run_record import LinkRecord, RunRecord
from plctl.controller.verification.check import ClaimCheck, found

#: What telemetry measures comes in this order, in every row that measured anything.
_ORDERED = (("lateness_p50_ns", "lateness_p99_ns", "lateness_max_ns"),
            ("transit_min_ns", "transit_p50_ns", "transit_p99_ns", "transit_max_ns"))  # fmt: skip


def check_counters(record: RunRecord) -> ClaimCheck:
    """In each direction the frames that arrived were delivered, dropped or lost, or are inside still."""
    wrong, count = [], 0
    for link in record.links:
        for direction in DIRECTIONS if link.result else ():
            half = getattr(link.result, direction)
            count += 1
            inside = sum(sign * getattr(half, name) for name, sign in BALANCE.items())
            if inside < 0:
                wrong.append(f"{link.plan.name} {direction}: {-inside} frames left that never arrived")
            if any(getattr(half, name) < 0 for name in COUNTERS):
                wrong.append(f"{link.plan.name} {direction}: a counter is below 0")
    return found("counters", wrong, f"in {count} directions no frame left that had not arrived")


def check_telemetry(folder: Path, record: RunRecord) -> ClaimCheck:
    """The rows of each direction tile the run, and add up to the result in run.json."""
    try:
        table = telemetry_file.read(folder, record.run, record.t0_by_host())
    except (OSError, pa.ArrowException) as error:
        return ClaimCheck("telemetry", "broken", f"telemetry.parquet cannot be read: {error}")
    wrong: list[str] = []
    for names in _ORDERED:
        for lower, upper in itertools.pairwise(names):
            if count := pc.sum(pc.greater(table[lower], table[upper])).as_py() or 0:
                wrong.append(f"{count} rows have {lower} above {upper}")
    for link in record.links:
        for direction in DIRECTIONS if link.result else ():
            wrong += _sums(table, link, direction)
    return found("telemetry", wrong, f"{table.num_rows} rows add up to what run.json says of each direction")


def _sums(table: pa.Table, link: LinkRecord, direction: str) -> list[str]:
    name = link.plan.name
    rows = table.filter(pc.and_(pc.equal(table["link"], name), pc.equal(table["direction"], direction))).sort_by("t_ns")
    if not rows.num_rows:
        return [f"there is no telemetry of {name} {direction}"]
    half = getattr(link.result, direction)
    wrong = []
    for counter in COUNTERS:
        if (total := pc.sum(rows[counter]).as_py() or 0) != getattr(half, counter):  # null: no such counter then
            wrong.append(
                f"{name} {direction}: {counter} adds up to {total} in telemetry, run.json says {getattr(half, counter)}"
            )
    starts = pc.subtract(rows["t_ns"], rows["interval_ns"]).slice(1)
    gaps = pc.sum(pc.not_equal(starts, rows["t_ns"].slice(0, rows.num_rows - 1))).as_py() or 0
    return [*wrong, *([f"{name} {direction}: {gaps} rows do not begin where the one before ended"] if gaps else [])]


def check_packet_counts(folder: Path, record: RunRecord) -> ClaimCheck | None:
    """A packet log that lacks nothing has as many records of each verdict as the counters say. None without a log."""
    logged = [link for link in record.links if link.plan.packets and link.result]
    if not logged:
        return None
    wrong, count = [], 0
    for link in logged:
        for direction in DIRECTIONS:
            half = getattr(link.result, direction)
            try:
                table = packet_file.read(folder, record, link, direction, captured=False)
            except (OSError, pa.ArrowException) as error:
                wrong.append(f"the packet log of {link.plan.name} {direction} cannot be read: {error}")
                continue
            count += table.num_rows
            if not half.packet_log_lost:
                wrong += _verdicts(table, link, direction)
    return found("packet logs", wrong, f"{count} records are as many of each verdict as the counters say")


def _verdicts(table: pa.Table, link: LinkRecord, direction: str) -> list[str]:
    half = getattr(link.result, direction)
    counts = {each["values"]: each["counts"] for each in pc.value_counts(table["verdict"]).to_pylist()}
    wrong = []
    for name, counter in COUNTERS.items():
        if counter.logged is not None and counter.group == "dropped":
            records, counted = counts.get(counter.verdict, 0), getattr(half, name)
            if records != counted:
                wrong.append(
                    f"{link.plan.name} {direction}: {records} records say {counter.verdict}, {name} is {counted}"
                )
    return wrong
