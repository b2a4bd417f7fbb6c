"""Messages of telemetry that are kept as they came become the rows that they mean."""

from __future__ import annotations

from contextlib import closing
from dataclasses import asdict
from pathlib import Path

import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from support.synthetic_run import make_run

from plctl.common.base.errors import ProtocolError
from plctl.common.plan.run_plan import LinkPlan
from plctl.common.scenario.schedule import Row, Schedule
from plctl.common.telemetry.samples import (
    MEASURED_COLUMNS,
    SAMPLE_COLUMNS,
    HalfStats,
    Histogram,
    LinkStats,
    Sample,
    Samples,
    sample,
)
from plctl.controller.results import telemetry_file
from plctl.controller.results.column_file import ColumnWriter
from plctl.controller.results.run_folder import complete
from plctl.controller.results.run_reader import read_record

SCHEDULE = Schedule((Row(0, 0, 1_000_000, 10**6),))
AFTER = LinkStats(t0_ns=1)


def samples_of(links: tuple[str, ...], t_ns: int) -> list[Sample]:
    """Both directions of each link, at one moment."""
    return [each for name in links for each in sample(LinkPlan(name, SCHEDULE, SCHEDULE), LinkStats(), AFTER, t_ns, 7)]


def test_rows_are_those_of_all_messages_in_order(tmp_path: Path) -> None:
    """Each has its own host, offset and list of links, and some have no rows at all."""
    messages = [("a", ("x", "y"), 100, 5), ("b", ("z",), 50, -7), ("a", (), 0, 0), ("a", ("y", "x"), 200, 6)]
    writer = ColumnWriter.create(tmp_path, telemetry_file.COLUMNS, "r")
    expected = []
    for host, links, t_ns, offset_ns in messages:
        said = samples_of(links, t_ns)
        writer.append(telemetry_file.batch_of(host, Samples.of(said), offset_ns))
        words = {"host": host, "t_controller_ns": t_ns + offset_ns}
        expected += [words | asdict(each) | dict.fromkeys(MEASURED_COLUMNS) for each in said]
    writer.close()
    table = telemetry_file.read(tmp_path, "r", {})
    assert telemetry_file.SCHEMA == table.schema
    assert expected == table.select(["host", "t_controller_ns", *SAMPLE_COLUMNS]).to_pylist()


def test_what_no_frame_was_measured_for_is_null(tmp_path: Path) -> None:
    """A mean and a minimum over a column are those of what was measured; −1 would be part of them."""
    measured = HalfStats(lateness=Histogram.of([0, 4_000]), transit=Histogram.of([9_000, 9_000]))
    busy, idle = LinkStats(up=measured, t0_ns=1), LinkStats(t0_ns=1)
    plan = LinkPlan("x", SCHEDULE, SCHEDULE)
    said = [*sample(plan, idle, busy, 10, 7), *sample(plan, busy, busy, 17, 7)]
    with closing(ColumnWriter.create(tmp_path, telemetry_file.COLUMNS, "r")) as writer:
        writer.append(telemetry_file.batch_of("a", Samples.of(said), 0))
    table = telemetry_file.read(tmp_path, "r", {})
    assert [9_000, None, None, None] == table["transit_min_ns"].to_pylist()
    assert (3, 9_000) == (table["transit_p99_ns"].null_count, pc.mean(table["transit_p99_ns"]).as_py())
    assert [4_000, None, None, None] == table["lateness_max_ns"].to_pylist()


@pytest.mark.parametrize("offset_ns", [2**63, 2**63 - 1, -(2**63) - 1])
def test_a_time_beyond_64_bits_is_refused(offset_ns: int) -> None:
    """Before it is written, so that what is on disk can be read."""
    with pytest.raises(ProtocolError, match="beyond 64 bits"):
        telemetry_file.batch_of("a", Samples.of(samples_of(("x",), 1)), offset_ns)


def test_a_file_of_another_version_is_read(tmp_path: Path) -> None:
    """A counter that it did not have is null, one that is known no more is left out; the columns are today's."""
    with make_run(tmp_path) as folder:
        path = folder.path
    complete(path)
    file = path / "telemetry.parquet"
    table = pq.read_table(file)
    other = table.drop_columns(["ce_marked_packets"]).append_column("forgotten", table["arrived_packets"])
    pq.write_table(other, file)
    record = read_record(path)
    found = telemetry_file.read(path, record.run, record.t0_by_host())
    assert table.column_names == found.column_names
    assert found.num_rows == found["ce_marked_packets"].null_count
    assert table["arrived_packets"].to_pylist() == found["arrived_packets"].to_pylist()
