"""The ledger: what was entered stands until it is struck, whatever happened to its writer."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from plctl.agent.ownership.ledger import COMPACT_EVERY, Entry, Ledger, read_entries
from plctl.agent.ownership.processes import identify
from plctl.common.base.errors import KernelError


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the ledger lies."""
    return tmp_path / "owner" / "ledger.jsonl"


@pytest.fixture
def ledger(path: Path) -> Iterator[Ledger]:
    """An empty ledger."""
    path.parent.mkdir()
    with contextlib.closing(Ledger(path)) as ledger:
        yield ledger


def test_what_was_made_last_is_removed_first(ledger: Ledger) -> None:
    """Entries come newest first, without those that were struck."""
    for name in "abc":
        ledger.record("netns", name, inode=ord(name))
    ledger.strike("netns", "b")
    assert [Entry("netns", "c", {"inode": 99}), Entry("netns", "a", {"inode": 97})] == ledger.entries()


def test_kinds_do_not_share_names(ledger: Ledger) -> None:
    """A file and a namespace may be called alike."""
    ledger.record("netns", "a")
    ledger.record("file", "a")
    ledger.strike("netns", "a")
    assert [Entry("file", "a")] == ledger.entries()


def test_entering_again_replaces_facts_and_age(ledger: Ledger) -> None:
    """The last word counts."""
    ledger.record("file", "a", size=1)
    ledger.record("file", "b")
    ledger.record("file", "a", size=2)
    assert [Entry("file", "a", {"size": 2}), Entry("file", "b")] == ledger.entries()


def test_striking_what_does_not_stand_is_harmless(ledger: Ledger) -> None:
    """Teardown may run twice."""
    ledger.strike("netns", "a")
    assert [] == ledger.entries()
    assert ledger.find("netns", "a") is None


def test_entries_survive_their_writer(ledger: Ledger, path: Path) -> None:
    """Whoever opens the file next sees what stands and may go on writing."""
    ledger.record("netns", "a")
    ledger.close()
    with contextlib.closing(Ledger(path)) as heir:
        heir.record("netns", "b")
        assert [Entry("netns", "b"), Entry("netns", "a")] == heir.entries()


def test_two_writers_see_each_others_entries(ledger: Ledger, path: Path) -> None:
    """What one strikes, the other no longer counts as standing."""
    with contextlib.closing(Ledger(path)) as other:
        ledger.record("netns", "a")
        ledger.record("netns", "b")
        assert [Entry("netns", "b"), Entry("netns", "a")] == other.entries()
        other.strike("netns", "a")
        assert [Entry("netns", "b")] == ledger.entries()


@pytest.mark.parametrize("torn", [b'{"made":"netns","na', b"{", b'{"made":"netns","name":"b"}'[:-1]])
def test_a_torn_last_line_counts_for_nothing(ledger: Ledger, path: Path, torn: bytes) -> None:
    """The writer was killed in the middle of it; the next one starts a new line."""
    ledger.record("netns", "a")
    with path.open("ab") as file:
        file.write(torn)
    assert [Entry("netns", "a")] == ledger.entries() == read_entries(path)
    with contextlib.closing(Ledger(path)) as heir:
        heir.record("netns", "c")
        assert [Entry("netns", "c"), Entry("netns", "a")] == heir.entries() == ledger.entries() == read_entries(path)


def test_no_ledger_means_nothing_was_made(tmp_path: Path) -> None:
    """The owner was killed before it opened one."""
    assert [] == read_entries(tmp_path / "none")


def test_threads_write_whole_lines(ledger: Ledger, path: Path) -> None:
    """No entry is lost or mixed with another when many write at once."""

    def write(number: int) -> None:
        for i in range(50):
            ledger.record("file", f"{number}-{i}" + "x" * 200)

    threads = [threading.Thread(target=write, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert 400 == len(ledger.entries()) == len(read_entries(path))


def test_a_process_is_entered_with_what_makes_it_unique(ledger: Ledger) -> None:
    """Pid, start tick and session, as the kernel has them."""
    ledger.record_process("me", os.getpid())
    me = identify(os.getpid())
    facts = {"pid": os.getpid(), "started": me.started, "session": os.getsid(0)}
    assert Entry("process", "me", facts) == ledger.find("process", "me")


def test_the_token_is_the_owners_folder(ledger: Ledger, path: Path) -> None:
    """Unique on the machine, even if two state folders have owners of the same name."""
    assert {"PLCTL_OWNER": str(path.parent)} == ledger.environment


def test_a_ledger_that_cannot_be_opened_is_named(tmp_path: Path) -> None:
    """The message says which file and why."""
    with pytest.raises(KernelError, match=r"cannot open the ledger .*/none/ledger.jsonl: No such file or directory"):
        Ledger(tmp_path / "none" / "ledger.jsonl")


def test_a_full_disk_stops_the_making() -> None:
    """What cannot be entered must not be made, so the writer is told."""
    with contextlib.closing(Ledger(Path("/dev/full"))) as full, pytest.raises(KernelError, match="No space left"):
        full.record("netns", "a")


def test_a_ledger_of_the_struck_is_written_anew(ledger: Ledger, path: Path) -> None:
    """What stands stays, in its order, for this writer, for another that has the old file open, and for readers."""
    with contextlib.closing(Ledger(path)) as other:
        for name in "abc":
            ledger.record("netns", name, inode=ord(name))
        for number in range(COMPACT_EVERY):
            ledger.record("process", f"{number}")
            ledger.strike("process", f"{number}")
        standing = [Entry("netns", name, {"inode": ord(name)}) for name in "cba"]
        assert 3 == len(path.read_bytes().splitlines())
        assert standing == ledger.entries() == other.entries() == read_entries(path)
        other.record("netns", "d")
        assert [Entry("netns", "d"), *standing] == ledger.entries() == read_entries(path)
        assert [path] == list(path.parent.iterdir())


def test_a_ledger_of_what_stands_is_left_alone(ledger: Ledger, path: Path) -> None:
    """Writing it anew would gain nothing."""
    for number in range(10):
        ledger.record("netns", f"{number}")
    ledger.strike("netns", "0")
    inode = path.stat().st_ino
    ledger.compact()
    assert inode == path.stat().st_ino


def test_a_ledger_that_cannot_be_written_anew_stays_as_it_is(ledger: Ledger, path: Path) -> None:
    """No room, or what a predecessor was killed over: nothing is lost, and it can be done later."""
    draft = path.with_name("ledger.jsonl.new")
    draft.mkdir()
    for _ in range(10):
        ledger.record("netns", "a")
        ledger.strike("netns", "a")
    ledger.record("netns", "b")
    ledger.compact()
    assert [Entry("netns", "b")] == ledger.entries() == read_entries(path)
    draft.rmdir()
    draft.write_bytes(b'{"made":"netns","na')
    ledger.compact()
    assert [Entry("netns", "b")] == ledger.entries() == read_entries(path)
    assert 1 == len(path.read_bytes().splitlines())


WRITER = """
import sys
from pathlib import Path
from plctl.agent.ownership import ledger
ledger.COMPACT_EVERY = 7
mine = ledger.Ledger(Path(sys.argv[1]))
for number in range(400):
    mine.record("file", f"{sys.argv[2]}-{number}")
    if number % 10:
        mine.strike("file", f"{sys.argv[2]}-{number}")
"""


def test_no_entry_is_lost_to_a_ledger_that_is_written_anew(ledger: Ledger, path: Path) -> None:
    """Several processes write, and each writes the ledger anew again and again: every line lands where it counts."""
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, str(path), name]) for name in "abc"]
    assert [0, 0, 0] == [writer.wait(60) for writer in writers]
    expected = {f"{name}-{number}" for name in "abc" for number in range(0, 400, 10)}
    assert expected == {entry.name for entry in ledger.entries()} == {entry.name for entry in read_entries(path)}
    assert len(path.read_bytes().splitlines()) < 1000
