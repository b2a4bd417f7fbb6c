"""Rows of a run can be read at any moment, survive their writer's death, and end as Parquet however many they are."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from io import FileIO
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from support.small_disk import no_file_larger_than

from plctl.controller.results import column_file, column_parts
from plctl.controller.results.column_file import ColumnWriter
from plctl.controller.results.column_parts import Columns, RunTable

COLUMNS = Columns(
    "numbers", pa.schema([("host", pa.string()), ("link", pa.string()), ("t_ns", pa.int64()), ("n", pa.int64())])
)
TABLE = RunTable(COLUMNS, "r-0001", {"a": 1_000_000_000})
PART = 100


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """A part is full with a hundred rows."""
    monkeypatch.setattr(column_file, "PART_ROWS", PART)


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[ColumnWriter]:
    """An open writer whose run has started."""
    made = ColumnWriter.create(tmp_path, COLUMNS, "r-0001")
    made.start(TABLE.t0_by_host)
    yield made
    made.close()


def rows(first: int, count: int, host: str = "a", link: str = "x") -> pa.RecordBatch:
    """Rows numbered from `first` on."""
    numbers = [*range(first, first + count)]
    return pa.record_batch([[host] * count, [link] * count, numbers, numbers], schema=COLUMNS.schema)


def numbers(folder: Path) -> list[int]:
    """What a reader finds."""
    return list(column_file.read(folder, TABLE)["n"].to_pylist())


def names(folder: Path) -> list[str]:
    """The files and folders of the run, relative to its own."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def test_rows_can_be_read_while_they_come(tmp_path: Path, writer: ColumnWriter) -> None:
    """After every batch a reader sees all rows in order, across closed parts, one that is closing, and the open one."""
    for first in range(0, 10 * PART, 30):
        writer.append(rows(first, 30))
        assert [*range(first + 30)] == numbers(tmp_path)


def test_full_parts_become_parquet_while_the_run_goes_on(tmp_path: Path, writer: ColumnWriter) -> None:
    """A closed part is a whole Parquet file, with run and time, and its stream is gone."""
    for first in range(0, 2 * PART, PART):
        writer.append(rows(first, PART))
    writer.close()
    part = tmp_path / "numbers.parts" / "000001.parquet"
    assert ["numbers.parts", "numbers.parts/000001.parquet", "numbers.parts/000002.arrows"] == names(tmp_path)
    table = pq.read_table(part)
    assert COLUMNS.final == table.schema
    assert ("r-0001", -1.0) == (table["run"][0].as_py(), table["t_s"][0].as_py())


def test_before_t0_no_part_is_closed(tmp_path: Path) -> None:
    """A Parquet file holds the time since T0, so while that is not known, the stream takes everything."""
    writer = ColumnWriter.create(tmp_path, COLUMNS, "r-0001")
    for first in range(0, 3 * PART, PART):
        writer.append(rows(first, PART))
    writer.close()
    assert ["numbers.parts", "numbers.parts/000001.arrows"] == names(tmp_path)


@pytest.mark.parametrize(("count", "whole"), [(0, True), (PART, True), (PART + 1, False), (5 * PART, False)])
def test_the_end_is_one_file_or_a_folder_of_closed_ones(
    tmp_path: Path, writer: ColumnWriter, count: int, whole: bool
) -> None:
    """Either way it has the one name, by which Arrow reads it; no streams are left, and once more changes nothing."""
    for first in range(0, count, 50):
        writer.append(rows(first, min(50, count - first)))
    writer.close()
    for _ in range(2):
        assert tmp_path / "numbers.parquet" == column_file.finish(tmp_path, TABLE)
        assert whole == (tmp_path / "numbers.parquet").is_file()
        assert all(name.endswith(".parquet") for name in names(tmp_path))
        assert [*range(count)] == numbers(tmp_path)
    assert count == pq.read_table(tmp_path / "numbers.parquet", use_threads=False).num_rows


@pytest.mark.parametrize("lost", [1, 9, 200])
def test_a_run_goes_on_after_its_writer_died(tmp_path: Path, writer: ColumnWriter, lost: int) -> None:
    """A batch that was cut off is left out, all before it stays, and what comes then follows it."""
    writer.append(rows(0, 10))
    writer.append(rows(10, 10))
    stream = tmp_path / "numbers.parts" / "000001.arrows"
    stream.write_bytes(stream.read_bytes()[:-lost])
    (tmp_path / "numbers.parts" / "000001.tmp").write_bytes(b"half a Parquet file")
    assert [*range(10)] == numbers(tmp_path)
    again = ColumnWriter.reopen(tmp_path, COLUMNS, "r-0001")
    again.start(TABLE.t0_by_host)
    again.append(rows(10, 10))
    again.close()
    assert [*range(20)] == numbers(tmp_path)
    column_file.finish(tmp_path, TABLE)
    assert (["numbers.parquet"], [*range(20)]) == (names(tmp_path), numbers(tmp_path))


def test_a_stream_and_its_parquet_file_count_once(tmp_path: Path, writer: ColumnWriter) -> None:
    """Death between the Parquet file and the stream's removal doubles nothing, then and in the end."""
    writer.append(rows(0, 10))
    writer.close()
    stream = tmp_path / "numbers.parts" / "000001.arrows"
    content = stream.read_bytes()
    column_parts.to_parquet(stream, TABLE)
    stream.write_bytes(content)
    assert [*range(10)] == numbers(tmp_path)
    column_file.finish(tmp_path, TABLE)
    assert (["numbers.parquet"], [*range(10)]) == (names(tmp_path), numbers(tmp_path))


def test_a_disk_that_cannot_close_parts_costs_no_row(tmp_path: Path, writer: ColumnWriter) -> None:
    """What cannot become Parquet now stays a stream, and becomes it in the end."""
    in_the_way = [tmp_path / "numbers.parts" / f"{number:06}.tmp" for number in range(1, 5)]
    for draft in in_the_way:
        draft.mkdir()
    for first in range(0, 4 * PART, PART):
        writer.append(rows(first, PART))
    writer.close()
    assert [*range(4 * PART)] == numbers(tmp_path)
    assert not [name for name in names(tmp_path) if name.endswith(".parquet")]
    for draft in in_the_way:
        draft.rmdir()
    column_file.finish(tmp_path, TABLE)
    assert [*range(4 * PART)] == numbers(tmp_path)


def test_a_disk_that_refuses_a_batch_loses_that_batch_alone(tmp_path: Path, writer: ColumnWriter) -> None:
    """A batch is in the file whole or not at all, so whatever comes after it can be read."""
    writer.append(rows(0, 10))
    size = (tmp_path / "numbers.parts" / "000001.arrows").stat().st_size
    with no_file_larger_than(size + 100), pytest.raises(OSError, match="File too large"):
        writer.append(rows(10, 10))
    writer.append(rows(20, 10))
    assert [*range(10), *range(20, 30)] == numbers(tmp_path)


class _CutsNothing(FileIO):
    """Stands for a file under a quota of btrfs, which refuses even to be cut."""

    def truncate(self, _size: int | None = None) -> int:
        raise OSError(errno.EDQUOT, "Disk quota exceeded")


@pytest.mark.parametrize("goes_on", [True, False])
def test_a_disk_that_refuses_even_to_cut_loses_that_batch_alone(
    tmp_path: Path, writer: ColumnWriter, goes_on: bool
) -> None:
    """What comes next takes the place of what was written half, whether it is a batch or the end."""
    writer.append(rows(0, 10))
    path = tmp_path / "numbers.parts" / "000001.arrows"
    size = path.stat().st_size
    with writer._file:
        writer._file = _CutsNothing(path, "r+")
    writer._file.seek(size)
    with no_file_larger_than(size + 100), pytest.raises(OSError, match="File too large"):
        writer.append(rows(10, 10))
    assert size + 100 == path.stat().st_size
    if goes_on:
        writer.append(rows(20, 10))
    writer.close()
    assert [*range(10), *(range(20, 30) if goes_on else ())] == numbers(tmp_path)


def test_a_disk_without_room_for_the_end_of_a_stream_takes_nothing_away(tmp_path: Path, writer: ColumnWriter) -> None:
    """It is closed without, and read as one that goes on; who closes it hears nothing."""
    writer.append(rows(0, 10))
    with no_file_larger_than((tmp_path / "numbers.parts" / "000001.arrows").stat().st_size):
        writer.close()
    assert [*range(10)] == numbers(tmp_path)
    column_file.finish(tmp_path, TABLE)
    assert [*range(10)] == numbers(tmp_path)


def test_links_can_be_chosen_and_hosts_without_t0_have_no_time(tmp_path: Path, writer: ColumnWriter) -> None:
    """A reader gets the links that it asks for; without a T0 the time since T0 is null, not invented."""
    writer.append(rows(0, 2, host="a", link="x"))
    writer.append(rows(2, 2, host="b", link="y"))
    assert [None, None] == column_file.read(tmp_path, TABLE, ["y"])["t_s"].to_pylist()
    assert [0, 1] == column_file.read(tmp_path, TABLE, ["x"])["n"].to_pylist()
    assert 0 == column_file.read(tmp_path, TABLE, []).num_rows
