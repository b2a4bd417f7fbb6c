"""Finds what a test left behind. Each kind is compared with how things were before the test.

Several runs of the tests may share a machine, so namespaces and processes that other runs made do not count: theirs are
named in ledgers in other state folders, or carry another state folder in their environment.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import tempfile
import threading
import time
from collections.abc import Iterator
from glob import glob
from pathlib import Path

from lab.trees import cache_folder

NETNS_DIR = Path("/run/netns")
#: What the folders of tests' states begin with, in the folder for temporary files.
STATE_PREFIX = "plctl-test-"
_PATIENCE_S = 3.0
_LOOK_EVERY_S = 0.01
_NAMESPACE = "network namespace "


class Watch:
    """The state of things before a test, to be compared with that after it."""

    def __init__(self, pid: int, state_folder: Path) -> None:
        """Look at the process `pid`, which is this one, and at what belongs to `state_folder`."""
        self._pid = pid
        self._state_folder = state_folder
        self._others = frozenset(_all_processes())  # only what begins later can be left behind, so nothing else is read
        self._before = set(self._look())

    def wait_for_nothing_left(self, patience_s: float = _PATIENCE_S) -> list[str]:
        """What there is now and was not before, in words; given a moment for what is just ending (`patience_s`)."""
        deadline = time.monotonic() + patience_s
        while (left := self._compare()) and time.monotonic() < deadline:
            gc.collect()  # what only a cycle of garbage still holds is not leaked
            time.sleep(_LOOK_EVERY_S)
        return left

    def _compare(self) -> list[str]:
        new = set(self._look()) - self._before
        if namespaces := {line for line in new if line.startswith(_NAMESPACE)}:
            new -= {_NAMESPACE + name for name in _names_of_others(self._state_folder)}
            # What another run has removed since the look stands in its ledger no more.
            new -= {line for line in namespaces if not (NETNS_DIR / line.removeprefix(_NAMESPACE)).exists()}
        return sorted(new)

    def _look(self) -> Iterator[str]:
        yield from _descriptors()
        yield from _threads()
        yield from self._processes()
        if os.access(NETNS_DIR, os.W_OK):  # who cannot name a namespace has left none, and cannot tell whose they are
            yield from (_NAMESPACE + path.name for path in NETNS_DIR.glob("pl-*"))
        for folder in self._state_folder.iterdir():
            if folder.is_dir():
                yield f"owner {folder.name}, whose ledger says: {_stands(folder) or 'nothing'}"

    def _processes(self) -> Iterator[str]:
        """Children of this process, and whatever was started with this test's state folder, since the watch began."""
        mark = f"PLCTL_STATE_DIR={self._state_folder}".encode()
        for number in _all_processes() - self._others:
            with contextlib.suppress(OSError):  # it ended just now, or is another user's
                folder = Path("/proc", number)
                parent = int((folder / "stat").read_bytes().rpartition(b")")[2].split()[1])
                if parent == self._pid or mark in (folder / "environ").read_bytes().split(b"\0"):
                    command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
                    yield f"process {number}: {command or 'ended, but never waited for'}"


def _all_processes() -> set[str]:
    return {name for name in os.listdir("/proc") if name.isdecimal()}  # noqa: PTH208  (twice a test: ten times as fast)


def _descriptors() -> Iterator[str]:
    for number in os.listdir("/proc/self/fd"):  # noqa: PTH208  (as above)
        with contextlib.suppress(OSError):  # the one that lists the folder
            yield f"file descriptor {number}: {Path('/proc/self/fd', number).readlink()}"


def _threads() -> Iterator[str]:
    """Python's; a ZeroMQ context has threads of its own, but file descriptors too, which give it away."""
    yield from (f"thread {thread.name} ({thread.ident})" for thread in threading.enumerate())


def _names_of_others(state_folder: Path) -> set[str]:
    """Names of the namespaces that ledgers outside `state_folder` hold."""
    folders = {
        Path("/run/plctl"),
        cache_folder() / "state",  # of laboratories of real hosts
        *Path(tempfile.gettempdir()).glob(f"{STATE_PREFIX}*"),
        *_folders_of_processes(),
    }
    return {
        name
        for folder in folders - {state_folder}
        for ledger in glob(f"{folder}/*/ledger.jsonl")  # noqa: PTH207  (Path.glob fails where a folder vanishes)
        for name in _made(Path(ledger), "netns")
    }


def _folders_of_processes() -> Iterator[Path]:
    """State folders that living processes were started with."""
    for path in Path("/proc").glob("[0-9]*/environ"):
        with contextlib.suppress(OSError):  # it ended just now
            for variable in path.read_bytes().split(b"\0"):
                if variable.startswith(b"PLCTL_STATE_DIR="):
                    yield Path(os.fsdecode(variable.partition(b"=")[2]))


def _stands(owner: Path) -> str:
    made = [
        f"{kind} {name}"
        for kind in ("keep", "process", "netns", "file", "folder")
        for name in _made(owner / "ledger.jsonl", kind)
    ]
    return ", ".join(made)


def _made(ledger: Path, kind: str) -> list[str]:
    """Names of `kind` that the ledger still holds; read here anew, so that a fault of the ledger's reader shows."""
    standing: dict[str, None] = {}
    with contextlib.suppress(FileNotFoundError):
        for line in ledger.read_text().splitlines():
            with contextlib.suppress(ValueError):  # a torn line
                fact = json.loads(line)
                if fact.get("made") == kind:
                    standing[fact["name"]] = None
                elif fact.get("gone") == kind:
                    standing.pop(fact["name"], None)
    return list(standing)
