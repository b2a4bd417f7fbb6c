"""A run's folder that a stranger has made: who reads it gets a sentence, soon, and nothing of other files.

Found by altering the folder of a real run; `make test ARGS='--hypothesis-profile=deep …'` alters it a thousand times.
"""

from __future__ import annotations

import json
import os
import re
import tarfile
import tempfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner
from fuzz.spoiled_run import spoil
from hypothesis import given, settings
from hypothesis import strategies as st
from support.web.served import served

from plctl.common.base.errors import UserError
from plctl.common.cli.root_command import root
from plctl.controller.results import column_parts, event_log
from plctl.controller.results.run_reader import read_events, read_record
from plctl.controller.study_folder.study_reader import read_study
from plctl.controller.web.routes import API

RUN = Path(__file__).parents[1] / "results/older/run-format-2.tar.gz"
COMMANDS = (
    ("show", "{}", "--json"), ("why", "x", "--run", "{}"), ("packets", "{}", "x", "--json"), ("events", "{}"),
    ("verify", "{}"),
)  # fmt: skip
#: What moves a cursor, hides text, or is none.
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def unpack(base: Path) -> Path:
    """The folder of the real run, in `base`."""
    with tarfile.open(RUN) as archive:
        archive.extractall(base, filter="data")
    (folder,) = base.iterdir()
    return folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """That of the run, in a folder of runs."""
    (tmp_path / "runs").mkdir()
    return unpack(tmp_path / "runs")


@settings(max_examples=max(5, settings().max_examples // 10), parent=settings())
@given(st.data())
def test_whatever_is_in_a_folder_commands_say_a_sentence(data: st.DataObject) -> None:
    """No traceback, and no control character on the terminal."""
    with tempfile.TemporaryDirectory(prefix="plctl-hostile-") as base:
        folder = unpack(Path(base))
        what = spoil(folder, lambda choices: data.draw(st.sampled_from(choices)))
        for command in COMMANDS:
            done = CliRunner().invoke(root, [word.format(folder) for word in command])
            assert done.exception is None or isinstance(done.exception, SystemExit), (what, command, done.exc_info)
            assert done.exit_code in (0, 1, 2), (what, command)
            assert not CONTROL.search(done.output), (what, command)


@pytest.mark.parametrize(
    "name", ["run.json", "events.jsonl", "artifacts/x/client.stdout", "report.html.tmp", "telemetry.parquet"]
)
@pytest.mark.parametrize("kind", ["link", "pipe"])
def test_a_folder_with_what_is_no_file_is_not_read(folder: Path, name: str, kind: str) -> None:
    """A link would have others' files read, and written, in its name; a pipe would be waited for."""
    (folder / name).unlink(missing_ok=True)
    if kind == "pipe":
        os.mkfifo(folder / name)
    else:
        (folder / name).symlink_to("/etc/hostname")
    with pytest.raises(UserError, match=f"'{name}' in it is .*, which no run leaves there"):
        read_record(folder)


def test_a_file_of_holes_is_not_read(folder: Path) -> None:
    """A terabyte that takes no room."""
    os.truncate(folder / "packets/x-up.parquet", 1 << 40)
    with pytest.raises(UserError, match="says to have"):
        read_record(folder)


def test_a_billion_rows_in_some_kilobytes_are_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They would take more memory than there is; here, as if there were little."""
    path = folder / "telemetry.parquet"
    table = pq.read_table(path)
    pq.write_table(table.take(pa.array([0] * 100_000)), path, compression="zstd")
    assert path.stat().st_size < 100_000
    monkeypatch.setattr(column_parts.os, "sysconf", lambda _: 2**12)
    done = CliRunner().invoke(root, ["verify", str(folder)])
    assert (1, True) == (done.exit_code, "its rows take more memory than the 8.389 MB" in done.output), done.output


def test_lines_of_a_log_that_are_no_events_are_left_out(folder: Path) -> None:
    """Too deep, without a time, with one that is a word, or no text; the others are read."""
    path = folder / "events.jsonl"
    count = len(read_events(folder))
    strange = [b"[" * 100_000, b'{"t_ns": "soon"}', b'{"t_ns": 1e99}', b'{"t_ns": 1, "event": 7}', b"\xff"]
    path.write_bytes(b"\n".join([*strange, path.read_bytes()]))
    assert count == len(read_events(folder))


def test_a_log_without_an_end_of_line_is_read_in_pieces(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No piece is longer than a message may be."""
    monkeypatch.setattr(event_log, "_MOST_CHARACTERS", 100)
    assert 100 == max(map(len, event_log.lines_of(folder / "events.jsonl")))


def test_a_record_that_is_too_deep_is_none(folder: Path) -> None:
    """Of a run, and of a study."""
    (folder / "run.json").write_text("[" * 100_000)
    with pytest.raises(UserError, match="too deep"):
        read_record(folder)
    (folder / "study.json").write_text("[" * 100_000)
    with pytest.raises(UserError, match="too deep"):
        read_study(folder)


def test_a_verdict_that_there_is_not_is_told(folder: Path) -> None:
    """Instead of being met somewhere in the report."""
    plain = json.loads((folder / "run.json").read_text())
    (folder / "run.json").write_text(json.dumps({**plain, "verdict": "\x1b[32mok"}))
    with pytest.raises(UserError, match="is no verdict"):
        read_record(folder)


async def test_the_page_answers_beside_folders_that_cannot_be_read(folder: Path) -> None:
    """They are listed with a cause; what is asked of them is answered, and is no bug."""
    pq.write_table(pa.table({"link": [[1]]}), folder / "telemetry.parquet")
    (folder.parent / "other").mkdir()
    os.mkfifo(folder.parent / "other/run.json")
    async with served(folder.parent) as client:
        runs = {each["run"]: each for each in (await client.get(f"{API}/runs")).document["runs"]}
        assert {folder.name: "done", "other": "unreadable"} == {run: each["phase"] for run, each in runs.items()}
        for path in ("", "/matrix", "/links/x", "/why?link=x", "/events?after=0", "/files"):
            assert (await client.get(f"{API}/runs/{folder.name}{path}")).status < 500, path
            assert (await client.get(f"{API}/runs/other{path}")).status in (200, 404), path
