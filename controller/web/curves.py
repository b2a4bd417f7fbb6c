"""What a link was asked and what it did, as columns of numbers for a plot: few enough points, and no extreme lost."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from plctl.common.base.units import NS_PER_S
from plctl.common.scenario.schedule import DIRECTIONS
from plctl.common.telemetry.samples import SAMPLE_COLUMNS
from plctl.controller.report.series import Asked, Measured, asked, curves_of
from plctl.controller.results import column_file, telemetry_file
from plctl.controller.results.column_parts import PARQUET_SUFFIX, files, legible, require_memory
from plctl.controller.results.run_record import LinkRecord, RunRecord

Floats = NDArray[np.float64]

#: What is read of a sample, beside its link and direction.
_NUMBERS = tuple(name for name in SAMPLE_COLUMNS if name not in ("link", "direction"))


def asked_document(link: LinkRecord, until_s: float) -> dict[str, dict[str, Any]]:
    """What each direction is asked from T0 to `until_s` after it, as steps."""
    plan = link.asked
    return {direction: _asked(asked(getattr(plan, direction), until_s)) for direction in DIRECTIONS}


def _asked(steps: Asked) -> dict[str, Any]:
    return {
        "t_s": _list(steps.t_s),
        "delay_ns": _list(steps.delay_ns),
        "rate_bps": _list(steps.rate_bps),
        "routes": [list(change) for change in steps.route_changes],
        "window_s": steps.window_s,
    }


def measured_document(curves: Measured) -> dict[str, list[float | None]]:
    """`curves` as lists; null where nothing is known."""
    return {each.name: _list(getattr(curves, each.name)) for each in dataclasses.fields(curves)}


def _list(values: Floats) -> list[float | None]:
    """Numbers for JSON, whole ones without a fraction."""
    return [None if math.isnan(value) else int(value) if value.is_integer() else value for value in values.tolist()]


@dataclasses.dataclass(frozen=True, slots=True)
class TimeSpan:
    """A part of a run, in seconds after T0."""

    from_s: float
    to_s: float


def measured_link(folder: Path, record: RunRecord, link: LinkRecord, span: TimeSpan, points: int) -> dict[str, Any]:
    """What both directions of `link` did within `span`, in at most about `points` points each."""
    rows = _rows(folder, record, link, span)
    found: dict[str, Any] = {}
    for direction in DIRECTIONS:
        columns = {name: values[rows["direction"] == DIRECTIONS.index(direction)] for name, values in rows.items()}
        found[direction] = measured_document(curves_of(in_order(columns), points))
    return found


def in_order(columns: Mapping[str, Floats]) -> dict[str, Floats]:
    """The same samples by their time."""
    order = np.argsort(columns["t_s"], kind="stable")
    return {name: values[order] for name, values in columns.items()}


def _rows(folder: Path, record: RunRecord, link: LinkRecord, span: TimeSpan) -> dict[str, Floats]:
    """The samples of `link` after T0 that lie in `span`; none if there is no telemetry."""
    t0_ns, pieces = record.t0_by_host().get(link.host), []
    if t0_ns is not None:
        with suppress(OSError):
            pieces = list(_pieces(folder, link.plan.name))
    whole = np.concatenate([*pieces, np.empty((len(_NUMBERS) + 1, 0))], axis=1)
    columns = dict(zip((*_NUMBERS, "direction"), whole, strict=True))
    columns["t_s"] = (columns["t_ns"] - (t0_ns or 0)) / NS_PER_S
    inside = (columns["t_s"] >= span.from_s) & (columns["t_s"] <= span.to_s)
    return {name: values[inside] for name, values in columns.items()}


def _pieces(folder: Path, link: str) -> Iterator[Floats]:
    """The samples of `link` part by part: rows of numbers in the order of `_NUMBERS`, then the direction's number."""
    path = column_file.target(folder, telemetry_file.COLUMNS)
    parts = path if path.exists() else column_file.parts_folder(folder, telemetry_file.COLUMNS)
    for part in [path] if path.is_file() else files(parts):
        if part.suffix == PARQUET_SUFFIX or not part.exists():  # meanwhile it became Parquet
            yield _closed(part.with_suffix(PARQUET_SUFFIX), link)
        else:
            yield from _open(part, link)


def _closed(path: Path, link: str) -> Floats:
    """Of a Parquet file: only the link's rows of the groups that have any are made numbers."""
    pieces = [np.empty((len(_NUMBERS) + 1, 0))]
    with legible(path), pq.ParquetFile(path) as file:
        known = [name for name in _NUMBERS if name in file.schema_arrow.names]
        for batch in file.iter_batches(columns=[*known, "link", "direction"], use_threads=False):
            rows = batch.filter(pc.equal(batch["link"], link))
            numbers = {name: rows[name].to_numpy(zero_copy_only=False).astype(float) for name in known}
            none = np.zeros(rows.num_rows)
            direction = pc.index_in(rows["direction"], pa.array(DIRECTIONS, pa.string())).to_numpy().astype(float)
            pieces.append(np.vstack([*(numbers.get(name, none) for name in _NUMBERS), direction]))
            require_memory(sum(piece.nbytes for piece in pieces))
    return np.concatenate(pieces, axis=1)


def _open(path: Path, link: str) -> Iterator[Floats]:
    """Of a stream that grows, up to its last whole batch."""
    with path.open("rb") as file:
        try:
            with legible(path):
                for batch in pa.ipc.open_stream(file):
                    for links, numbers in zip(batch["links"], batch["numbers"], strict=True):
                        yield of_message(links.as_py(), numbers.as_buffer(), link)
        except (EOFError, OSError):
            return


def of_message(links: list[str] | tuple[str, ...], numbers: Any, link: str) -> Floats:
    """The samples of `link` in what an agent sent, as `_pieces` has them; where no frame was measured, NaN."""
    if link not in links:
        return np.empty((len(_NUMBERS) + 1, 0))
    table = np.frombuffer(numbers, "<i8").reshape(len(SAMPLE_COLUMNS), -1)
    names = {name: row for row, name in enumerate(SAMPLE_COLUMNS)}
    rows = table[:, table[names["link"]] == links.index(link)]
    return np.vstack([*(rows[names[name]] for name in _NUMBERS), rows[names["direction"]]]).astype(float)


def columns_of(pieces: list[Floats], t0_ns: int) -> dict[str, dict[str, Floats]]:
    """Samples as `of_message` has them, by direction, with their time after T0 on their host's own clock."""
    whole = np.concatenate(pieces, axis=1)
    columns = dict(zip((*_NUMBERS, "direction"), whole, strict=True))
    columns["t_s"] = (columns["t_ns"] - t0_ns) / NS_PER_S
    return {
        direction: in_order({name: values[columns["direction"] == number] for name, values in columns.items()})
        for number, direction in enumerate(DIRECTIONS)
    }
