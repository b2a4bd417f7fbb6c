"""Opens a run's folder on any machine, without root, while the run goes on or after it: everything as Arrow tables.

Arrow is the common form: `.to_pandas()` makes a pandas frame of a table, `polars.from_arrow(table)` one of polars, and
DuckDB queries it by its variable's name. Columns and units are those of the reference of results.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

from plctl.common.base.errors import KernelError, UserError
from plctl.common.scenario.schedule import DIRECTIONS, ROW_FIELDS, Direction
from plctl.controller.analysis.columns import table_of, with_units
from plctl.controller.analysis.link_rows import link_row
from plctl.controller.results import packet_file, socket_stats_file, telemetry_file
from plctl.controller.results.run_reader import ARTIFACTS_NAME, is_open, read_events, read_record
from plctl.controller.results.run_record import LinkRecord, RunRecord

_EXIT_SUFFIX = ".exit.json"


def open_run(path: str | Path) -> RunResults:
    """The run in the folder `path`: one below `runs/`, of a study, fetched from a controller, or out of a bundle.

    :raises UserError: there is no run.
    """
    return RunResults(path)


class RunResults:
    """A run's folder. What it says is read anew with each call, so that a run that goes on can be followed."""

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._final: RunRecord | None = None
        self.record  # noqa: B018  # a folder without a run is refused here, not at the first question

    def __repr__(self) -> str:
        return f"<run {self.id}: {self.verdict or 'not over'}>"

    @property
    def record(self) -> RunRecord:
        """All that run.json says, as dataclasses.

        :raises UserError: it cannot be read.
        """
        if self._final:
            return self._final
        record = read_record(self.path)
        if record.verdict:
            self._final = record
        return record

    @property
    def id(self) -> str:
        """The run's id."""
        return self.record.run

    @property
    def name(self) -> str:
        """The name in the run spec, or of the scenario."""
        return self.record.name

    @property
    def labels(self) -> Mapping[str, str]:
        """What tells it from other runs of a larger thing: in a study, the factors' levels."""
        return self.record.labels

    @property
    def verdict(self) -> str:
        """`ok`, `late` and so on; empty until the run is over."""
        return self.record.verdict

    @property
    def is_open(self) -> bool:
        """Whether the run goes on: some process writes to its folder."""
        return is_open(self.path)

    def links(self) -> pa.Table:
        """A row for each link: host, verdict and cause, start, and what each direction counted (`up_…`, `down_…`)."""
        return table_of(link_row(link) for link in self.record.links)

    def workloads(self) -> pa.Table:
        """A row for each program: link, workload, and the fields of its exit record, with the command as one text."""
        return table_of(self._exits())

    def telemetry(self, *links: str) -> pa.Table:
        """telemetry.parquet, of all links or of those named: a row for each link, direction and interval.

        :raises UserError: no link has one of these names, or nothing was recorded.
        """
        self._check(links)
        record = self.record
        return self._read(
            lambda: telemetry_file.read(self.path, record.run, record.t0_by_host(), links=links or None), "telemetry"
        )

    def socket_stats(self, *links: str) -> pa.Table:
        """socket_stats.parquet: a row for each TCP socket and moment; none where the spec has no `socket_stats`.

        :raises UserError: no link has one of these names.
        """
        self._check(links)
        record = self.record
        return self._read(
            lambda: socket_stats_file.read(self.path, record.run, record.t0_by_host(), links=links or None), "sockets"
        )

    def packets(self, link: str, direction: Direction) -> pa.Table:
        """The packet log of one direction of `link`: a row for each frame.

        :raises UserError: no such link or direction, or the run kept no log of it.
        """
        record = self._link(link)
        if direction not in DIRECTIONS:
            raise UserError(f"{direction!r} is no direction; say up or down")
        if not record.plan.packets:
            raise UserError(f"{self.id} kept no packet log of {link}; ask for one with `packets: true` in the run spec")
        return self._read(lambda: packet_file.read(self.path, self.record, record, direction), "packets")

    def schedule(self, link: str, direction: Direction) -> pa.Table:
        """The rows that one direction of `link` followed, with those of changes that were made while it ran.

        Its columns are those of schedules/DIGEST.parquet.

        :raises UserError: no such link or direction.
        """
        if direction not in DIRECTIONS:
            raise UserError(f"{direction!r} is no direction; say up or down")
        schedule = getattr(self._link(link).asked, direction)
        return with_units(
            pa.table({each.name: pa.array(schedule.column(each.name), pa.int64()) for each in ROW_FIELDS})
        )

    def events(self) -> pa.Table:
        """events.jsonl in the order of controller time: its fields as columns, each null where an event has none."""
        rows = [{name: _plain(value) for name, value in event.items()} for event in read_events(self.path)]
        return table_of(rows)

    def output(self, link: str, workload: str, stream: str = "stdout") -> str:
        """What a program printed so far, with what is no UTF-8 replaced.

        :raises UserError: there is no such output.
        """
        path = self.path / ARTIFACTS_NAME / link / f"{workload}.{stream}"
        try:
            return path.read_text(encoding="utf-8", errors="replace")
        except OSError:
            raise UserError(f"{self.id} has no {stream} of {link}/{workload}; looked for {path}") from None

    def _link(self, name: str) -> LinkRecord:
        self._check((name,))
        return next(link for link in self.record.links if link.plan.name == name)

    def _check(self, links: tuple[str, ...]) -> None:
        known = {link.plan.name for link in self.record.links}
        for link in links:
            if link not in known:
                some = ", ".join(sorted(known)[:8]) + (", …" if len(known) > 8 else "")
                raise UserError(f"{self.id} has no link {link!r:.80}; it has {some}")

    def _read(self, read: Any, what: str) -> pa.Table:
        try:
            return with_units(read())
        except OSError as error:
            raise UserError(
                f"{self.id} has no {what} that can be read: {KernelError.from_os('read it', error)}"
            ) from None

    def _exits(self) -> Iterator[dict[str, Any]]:
        for link in self.record.links:
            folder = self.path / ARTIFACTS_NAME / link.plan.name
            for workload in link.plan.workloads:
                row = {"link": link.plan.name, "workload": workload.name, "at": workload.at}
                try:
                    known = json.loads((folder / f"{workload.name}{_EXIT_SUFFIX}").read_text(encoding="utf-8"))
                except (OSError, ValueError):
                    known = {}
                yield row | {name: _plain(value) for name, value in known.items() if name != "at"}


def _plain(value: Any) -> Any:
    """`value` if a column can hold it; lists of words become one text, other things JSON."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        return " ".join(value)
    return json.dumps(value)
