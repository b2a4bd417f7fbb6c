"""The schedules of a run, each once, as files of its folder: run.json only names them, by their digests.

schedules/DIGEST.parquet                a row of the schedule in each line, with the columns of
                                        `plctl.common.scenario.schedule.Row`
schedules/DIGEST.opportunities.parquet  its delivery opportunities, if it has any (`opportunity_file`)
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from plctl.common.base.columns import NUMBER_BYTES
from plctl.common.base.errors import UserError
from plctl.common.protocol.wire import from_plain
from plctl.common.scenario.opportunities import Opportunities
from plctl.common.scenario.schedule import ROW_FIELDS, Row, Schedule, ScheduleFacts
from plctl.controller.results.opportunity_file import read_opportunities, write_opportunities

FOLDER_NAME = "schedules"
_PERIOD = b"period_ns"
_LOOP = b"loop_ns"
_DIGITS = frozenset("0123456789abcdef")


class StoredSchedule(Schedule):
    """A schedule that is read when somebody asks for its rows."""

    def __init__(self, digest: str, facts: ScheduleFacts, read: Callable[[], Schedule]) -> None:
        self.__dict__["digest"] = digest  # what `Schedule` would find out when it is asked for them
        self.__dict__["facts"] = facts
        self._read = read

    @cached_property
    def _schedule(self) -> Schedule:
        return self._read()

    @property
    def columns(self) -> Mapping[str, array[int]]:
        """As `Schedule.columns`."""
        return self._schedule.columns

    @property
    def opportunities(self) -> Opportunities | None:
        """As `Schedule.opportunities`."""
        return self._schedule.opportunities if self.facts.opportunities else None

    @property
    def loop_ns(self) -> int:
        """As `Schedule.loop_ns`."""
        return self._schedule.loop_ns if self.facts.period_ns else 0

    @property
    def period_ns(self) -> int:
        """As `Schedule.period_ns`."""
        return self.facts.period_ns


class ScheduleFiles:
    """How the run.json in `folder` refers to schedules; without a folder, their rows cannot be read."""

    def __init__(self, folder: Path | None = None, facts: object = None) -> None:
        """With what run.json says of each schedule, by digest, which nobody has checked.

        :raises ProtocolError: that is not what it should be.
        """
        self._folder = folder
        known = facts if isinstance(facts, dict) else {}
        #: Of each schedule that was found or referred to, by digest.
        self.facts = {digest: from_plain(ScheduleFacts, each, "run.json.schedules") for digest, each in known.items()}
        self._found: dict[str, Schedule] = {}

    def refer(self, schedule: Schedule) -> str:
        """The digest."""
        digest = schedule.digest
        if digest not in self.facts:
            self.facts[digest] = schedule.facts
        return digest

    def find(self, reference: Any) -> Schedule:
        """The schedule with a digest; or, in a run.json of format 1, the one whose rows stand there.

        :raises ValueError: the reference is neither.
        """
        if isinstance(reference, dict):
            return _of_format_1(reference)
        if type(reference) is not str or reference not in self.facts or not _DIGITS.issuperset(reference):
            raise ValueError(f"expected the digest of one of the schedules, got {reference!r:.80}")
        if reference not in self._found:
            self._found[reference] = StoredSchedule(reference, self.facts[reference], lambda: self._read(reference))
        return self._found[reference]

    def _read(self, digest: str) -> Schedule:
        if self._folder is None:
            raise UserError("the rows of this run's schedules are not here; fetch the run first: plctl fetch RUN")
        return read_schedule(self._folder / FOLDER_NAME / f"{digest}.parquet", traced=self.facts[digest].opportunities)


def names(schedule: Schedule) -> list[str]:
    """The files of a schedule, within the run's folder."""
    path = Path(FOLDER_NAME, f"{schedule.digest}.parquet")
    return [str(path), *([str(_beside(path))] if schedule.facts.opportunities else [])]


def write_schedule(folder: Path, schedule: Schedule) -> None:
    """Add `schedule` to the run's `folder`, if it is not there yet.

    :raises OSError: it cannot be written.
    """
    import pyarrow as pa  # noqa: PLC0415  # half a second that a listing of runs does not wait for
    from pyarrow import parquet  # noqa: PLC0415  # as above

    path = folder / FOLDER_NAME / f"{schedule.digest}.parquet"
    if path.exists():
        return
    path.parent.mkdir(exist_ok=True)
    if schedule.opportunities:
        write_opportunities(_beside(path), schedule.opportunities)
    draft = path.with_suffix(".tmp")
    columns = {each.name: pa.array(schedule.column(each.name), pa.int64()) for each in ROW_FIELDS}
    repeats = {_PERIOD: str(schedule.period_ns)} | ({_LOOP: str(schedule.loop_ns)} if schedule.loop_ns else {})
    table = pa.table(columns).replace_schema_metadata(repeats)
    parquet.write_table(table, draft, compression="zstd")
    draft.replace(path)


def _beside(path: Path) -> Path:
    """Where the opportunities are of the schedule in `path`."""
    return path.with_suffix(".opportunities.parquet")


def read_schedule(path: Path, *, traced: bool | int = False) -> Schedule:
    """The schedule in the file `path`; if it is `traced`, with the opportunities in the file beside it.

    :raises UserError: there is none; the message says why.
    """
    import pyarrow as pa  # noqa: PLC0415  # as above
    from pyarrow import parquet  # noqa: PLC0415  # as above

    from plctl.controller.results.column_parts import require_memory  # noqa: PLC0415  # as above

    try:
        with parquet.ParquetFile(path) as file:
            require_memory(file.metadata.num_rows * len(ROW_FIELDS) * NUMBER_BYTES)
            table = file.read(use_threads=False)
        repeats = table.schema.metadata or {}
        period_ns, loop_ns = int(repeats[_PERIOD]), int(repeats.get(_LOOP, 0))
        columns = {name: array("q", table[name].to_numpy().tobytes()) for name in table.column_names}
        trace = read_opportunities(_beside(path)) if traced else None
        schedule = Schedule.of_columns(columns, period_ns, trace, loop_ns=loop_ns)
        schedule.check()
    except (OSError, ValueError, KeyError, pa.ArrowException) as error:
        raise UserError(f"cannot read the schedule {path}: {error}") from None
    return schedule


def _of_format_1(plain: dict[Any, Any]) -> Schedule:
    """Of a run.json that had each link's rows in it.

    :raises ValueError: it is none.
    """
    rows, period_ns = plain.get("rows"), plain.get("period_ns", 0)
    if not isinstance(rows, list) or type(period_ns) is not int:
        raise ValueError("expected the rows of a schedule")
    return Schedule((from_plain(Row, row, "row") for row in rows), period_ns)
