"""Parts become Parquet in a process that comes and goes with its writer, and whose death costs no row."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from plctl.agent.ownership import processes
from plctl.controller.results.column_file import ColumnWriter
from plctl.controller.results.column_parts import Columns, RunTable
from plctl.controller.results.part_closer import PartCloser

TABLE = RunTable(Columns("numbers", pa.schema([("host", pa.string()), ("t_ns", pa.int64())])), "r-0001", {"a": 1})
#: Closes a part, says which process did, and waits for its end. It keeps the closer: one that nobody holds any more
#: goes, and its process with it.
WRITER = """
import sys
from pathlib import Path
from unit.controller.results.test_part_closer import TABLE, closed_by, stream_in
from plctl.controller.results.part_closer import PartCloser
closer = PartCloser("numbers")
print(closed_by(closer, stream_in(Path(sys.argv[1]))), flush=True)
sys.stdin.read()
"""


def stream_in(folder: Path, number: int = 1) -> Path:
    """A full part."""
    writer = ColumnWriter.create(folder, TABLE.columns, TABLE.run)
    writer.append(pa.record_batch([["a"], [number]], schema=TABLE.columns.schema))
    path, _ = writer.end
    writer.close()
    return path


def closed_by(closer: PartCloser, stream: Path) -> int:
    """Let `closer` close `stream`, however long others keep it from the CPU; the process that it has for that."""
    closer.put(stream, TABLE).result()
    return children_of(os.getpid())[-1]


def children_of(pid: int) -> list[int]:
    """The part closers among the children of process `pid`."""
    found = []
    for child in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((child / "stat").read_text().rpartition(")")[2].split()[1])
            if parent == pid and b"plctl.controller.results.part_closer" in (child / "cmdline").read_bytes():
                found.append(int(child.name))
        except (FileNotFoundError, ProcessLookupError):
            continue
    return found


@pytest.fixture
def closer() -> Iterator[PartCloser]:
    """One that is closed in the end."""
    made = PartCloser("numbers")
    yield made
    made.close()
    made.close()
    assert [] == children_of(os.getpid())


def test_one_process_closes_part_after_part(tmp_path: Path, closer: PartCloser) -> None:
    """It is begun with the first part; each becomes Parquet, and its stream goes."""
    assert [] == children_of(os.getpid())
    found = set()
    for name in "xy":
        (tmp_path / name).mkdir()
        stream = stream_in(tmp_path / name)
        found.add(closed_by(closer, stream))
        assert [("r-0001", "a", 1)] == [
            (row["run"], row["host"], row["t_ns"]) for row in pq.read_table(stream.with_suffix(".parquet")).to_pylist()
        ]
        assert not stream.exists()
    assert 1 == len(found)


def test_a_killed_process_leaves_the_stream_and_is_replaced(tmp_path: Path, closer: PartCloser) -> None:
    """Whoever killed it, say for want of memory: the stream is as it was, and the next part has another process."""
    for name in "xyz":
        (tmp_path / name).mkdir()
    first = closed_by(closer, stream_in(tmp_path / "x"))
    os.kill(first, signal.SIGKILL)
    stream = stream_in(tmp_path / "y")
    closer.put(stream, TABLE).result()
    assert stream.exists()
    assert first != closed_by(closer, other := stream_in(tmp_path / "z"))
    assert not other.exists()


def test_it_dies_with_its_writer(tmp_path: Path) -> None:
    """Else it could write to a folder that the next controller has begun to complete."""
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[3])}
    command = [sys.executable, "-c", WRITER, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment) as writer:
        assert writer.stdout is not None
        pidfd = os.pidfd_open(int(writer.stdout.readline()))
        try:
            writer.kill()
            assert not processes.await_exits({pidfd}, 60), "it outlived its writer"
        finally:
            os.close(pidfd)
