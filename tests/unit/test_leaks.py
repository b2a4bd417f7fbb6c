"""The leak check itself: a check that cannot fail would prove nothing about the other tests."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import pytest
import zmq
from support import leaks
from support.leaks import STATE_PREFIX, Watch

from plctl.agent.kernel import namespace
from plctl.agent.ownership.ledger import Ledger
from plctl.common.host.state import Owner

SLEEPER = [sys.executable, "-c", "input()"]


@pytest.fixture
def watch(state_folder: Path) -> Watch:
    """A watch that began before the test's body."""
    return Watch(os.getpid(), state_folder)


def left(watch: Watch) -> list[str]:
    """What the watch sees at once."""
    return watch.wait_for_nothing_left(patience_s=0)


def test_nothing_is_seen_where_nothing_is_left(watch: Watch) -> None:
    """No false alarm."""
    assert left(watch) == []


def test_an_open_file_is_seen(watch: Watch, tmp_path: Path) -> None:
    """By number and by what it is open on."""
    with (tmp_path / "open").open("w"):
        assert ["open"] == [line.rpartition("/")[2] for line in left(watch)]
    assert left(watch) == []


def test_a_thread_is_seen(watch: Watch) -> None:
    """By its name."""
    end = threading.Event()
    thread = threading.Thread(target=end.wait, name="forgotten")
    thread.start()
    assert [line.partition(" (")[0] for line in left(watch)] == ["thread forgotten"]
    end.set()
    thread.join()
    assert left(watch) == []


def test_a_zeromq_context_is_seen(watch: Watch) -> None:
    """Its threads are not Python's, but its file descriptors give it away."""
    context = zmq.Context()
    with context.socket(zmq.PAIR):
        assert any(line.startswith("file descriptor") for line in left(watch))
    context.term()
    assert watch.wait_for_nothing_left() == []


def test_a_child_is_seen_until_it_has_been_waited_for(watch: Watch) -> None:
    """Running or a zombie, it is the test's to end and to collect."""
    with subprocess.Popen(SLEEPER, stdin=subprocess.PIPE) as child:
        assert f"process {child.pid}: {' '.join(SLEEPER)}" in left(watch)
    assert left(watch) == []


def test_an_orphan_is_seen(watch: Watch) -> None:
    """A grandchild whose parent has ended is found by the state folder in its environment."""
    fork = "import subprocess as s, sys; print(s.Popen(sys.argv[1:], stdin=0, stdout=s.DEVNULL, stderr=s.DEVNULL).pid)"
    read, write = os.pipe()
    parent = subprocess.run([sys.executable, "-c", fork, *SLEEPER], stdin=read, capture_output=True, check=True)
    pid = int(parent.stdout)
    assert any(line.startswith(f"process {pid}: ") for line in left(watch))
    os.close(read)
    os.close(write)
    assert watch.wait_for_nothing_left() == []


@pytest.mark.needs_root
def test_an_owner_and_its_namespaces_are_seen(watch: Watch) -> None:
    """A folder in the state folder, and a namespace that nobody else's ledger holds."""
    name = f"pl-leaks-{os.getpid()}"
    with Owner.create("someone") as owner:
        ledger = Ledger(owner.ledger_path)
        namespace.run_in_thread(lambda: namespace.create(name, ledger))
        seen = left(watch)
        assert f"network namespace {name}" in seen
        assert f"owner someone, whose ledger says: netns {name}" in seen
        entry = ledger.find("netns", name)
        assert entry is not None
        namespace.remove(entry, ledger)
        ledger.close()
        owner.remove()
    assert left(watch) == []


@pytest.mark.needs_root
def test_a_namespace_of_another_run_is_not_blamed_on_this_one(watch: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two runs of the tests at once leave each other alone."""
    name = f"pl-leaks-{os.getpid()}"
    with tempfile.TemporaryDirectory(prefix=STATE_PREFIX) as elsewhere:
        monkeypatch.setenv("PLCTL_STATE_DIR", elsewhere)
        with Owner.create("other") as owner:
            ledger = Ledger(owner.ledger_path)
            namespace.run_in_thread(lambda: namespace.create(name, ledger))
            assert [] == [line for line in left(watch) if line.startswith("network")]
            entry = ledger.find("netns", name)
            assert entry is not None
            namespace.remove(entry, ledger)
            ledger.close()
            owner.remove()
    assert left(watch) == []


@pytest.mark.needs_root
def test_a_namespace_that_another_run_removes_meanwhile_is_not_blamed_either(
    watch: Watch, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """It was seen, and is struck from the other's ledger before that is read: on a busy machine that takes seconds."""
    name = f"pl-leaks-{os.getpid()}"
    with contextlib.closing(Ledger(tmp_path / "ledger.jsonl")) as ledger:
        namespace.run_in_thread(lambda: namespace.create(name, ledger))
        entry = ledger.find("netns", name)
        assert entry is not None
        assert f"network namespace {name}" in left(watch)

        def read_slowly(_: Path) -> set[str]:
            if ledger.find("netns", name):
                namespace.remove(entry, ledger)
            return set()

        monkeypatch.setattr(leaks, "_names_of_others", read_slowly)
        assert f"network namespace {name}" not in left(watch)
