"""The register of every kernel object that an owner makes, on disk before the object exists, so that none outlives it.

One JSON document a line, appended with one write(2): a killed writer leaves at most one torn line, which readers skip.
A page once written survives the process, and a reboot removes the objects along with /run, so nothing is synced.
When most of what a ledger says has been struck out again, what still stands is written to a new file that takes its
place: whoever reads sees the old one or the new one, whole. Writers hold a shared flock(2) on the file that has the
name now, so that no line goes to one that has lost it.

How each kind is entered so that SIGKILL at any point neither leaks nor harms a stranger:

- `netns`: the namespace is unshared first, without a name; its inode goes into the entry, then the name is made.
- `process`: the child starts blocked on a pipe whose end of file makes it exit; its identity goes into the entry, then
  the pipe is written (see `Ledger.record_process`). All of it carries `Ledger.environment`.
- `file`, `folder`: the path goes into the entry, then it is made; a folder goes with all that is in it.
- `keep`: not an object; what the owner made stays when it dies (a hand-made link). Entered last, struck first.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from plctl.agent.ownership.processes import identify
from plctl.common.base.errors import KernelError

Kind = Literal["netns", "process", "file", "folder", "keep"]

#: In the environment of every process that an owner starts: which owner that is (`Ledger.token`).
OWNER_VARIABLE = "PLCTL_OWNER"
#: A ledger is looked at after so many strikes, and written anew if so many of its lines are for one that still counts.
COMPACT_EVERY = 1000
COMPACT_RATIO = 4


@dataclass(frozen=True, slots=True)
class Entry:
    """Something that stands, or may stand: its kind, its name (unique within the kind) and how to recognize it."""

    kind: Kind
    name: str
    facts: dict[str, Any] = field(default_factory=dict)


Standing = dict[tuple[Kind, str], Entry]  #: in the order of recording


class Ledger:
    """An owner's register. Threads and processes may share one file; each line is written atomically."""

    def __init__(self, path: Path) -> None:
        """Open, or make, the ledger at `path`, inside its owner's folder.

        :raises KernelError: it cannot be opened.
        """
        self.path = path.absolute()
        self._file = self._open()
        self._standing: Standing = {}
        self._read_until = 0
        self._lines = 0  # in the file, as far as it was read
        self._strikes = 0  # by this process, since it looked whether to compact
        self._using = threading.Lock()
        with self._held(fcntl.LOCK_EX):
            self._end_torn_line()

    @property
    def token(self) -> str:
        """What marks this owner's processes: the absolute path of its folder, unique on the machine."""
        return str(self.path.parent)

    @property
    def environment(self) -> dict[str, str]:
        """The variable that every process of this owner must have in its environment."""
        return {OWNER_VARIABLE: self.token}

    def record(self, kind: Kind, name: str, **facts: Any) -> None:
        """Enter an object that is about to be made; entering it again replaces its facts.

        :raises KernelError: the line cannot be written; the object must not be made.
        """
        self._write(_made(Entry(kind, name, facts)))

    def record_process(self, name: str, pid: int) -> None:
        """Enter a child that still waits at its gate and has not been waited for.

        :raises ProcessLookupError: there is no such process.
        """
        identity = identify(pid)
        self.record("process", name, pid=pid, started=identity.started, session=identity.session)

    def strike(self, kind: Kind, name: str) -> None:
        """Cross out an object that is gone.

        :raises KernelError: the line cannot be written.
        """
        self._write(_line({"gone": kind, "name": name}))
        self._strikes += 1
        if self._strikes >= COMPACT_EVERY:
            self._strikes = 0
            self.compact()

    def compact(self) -> None:
        """Write the ledger anew if most of it has been struck; a disk that has no room for that leaves it as it is."""
        with self._held(fcntl.LOCK_EX):
            self._catch_up()
            if self._lines <= COMPACT_RATIO * len(self._standing):
                return
            draft = self.path.with_name(self.path.name + ".new")
            lines = b"".join(_made(entry) for entry in self._standing.values())
            try:
                draft.write_bytes(lines)
                draft.chmod(0o600)
            except OSError:
                with contextlib.suppress(OSError):
                    draft.unlink()
            else:
                draft.replace(self.path)  # whoever waits for the lock notices, this one as the next writer does

    def entries(self) -> list[Entry]:
        """What still stands, newest first: the order in which to remove it."""
        with self._held(fcntl.LOCK_SH):
            self._catch_up()
            return list(reversed(self._standing.values()))

    def find(self, kind: Kind, name: str) -> Entry | None:
        """The entry of an object that still stands, or None."""
        with self._held(fcntl.LOCK_SH):
            self._catch_up()
            return self._standing.get((kind, name))

    def close(self) -> None:
        """Close the file; may be called twice."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def _open(self) -> int:
        try:
            return os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise KernelError.from_os(f"open the ledger {self.path}", error) from error

    @contextlib.contextmanager
    def _held(self, how: int) -> Iterator[None]:
        """Use the file that has the ledger's name now, without its losing that name meanwhile."""
        with self._using:
            fcntl.flock(self._file, how)
            while not self._is_current():
                os.close(self._file)
                self._file = self._open()
                self._standing, self._read_until, self._lines = {}, 0, 0
                fcntl.flock(self._file, how)
            try:
                yield
            finally:
                fcntl.flock(self._file, fcntl.LOCK_UN)

    def _is_current(self) -> bool:
        try:
            return os.fstat(self._file).st_ino == self.path.stat().st_ino
        except FileNotFoundError:  # the owner's folder is gone, and with it whoever might write the ledger anew
            return True

    def _write(self, line: bytes) -> None:
        try:
            with self._held(fcntl.LOCK_SH):
                written = os.write(self._file, line)
        except OSError as error:
            raise KernelError.from_os(f"write the ledger {self.path}", error) from error
        if written != len(line):
            raise KernelError(f"cannot write the ledger {self.path}: the file system is full")

    def _catch_up(self) -> None:
        """Apply the lines that were written since the last time, by whomever."""
        size = os.fstat(self._file).st_size
        data = os.pread(self._file, size - self._read_until, self._read_until)
        whole = data[: data.rfind(b"\n") + 1]
        _apply(whole, self._standing)
        self._lines += whole.count(b"\n")
        self._read_until += len(whole)

    def _end_torn_line(self) -> None:
        """Keep the next entry from continuing the line in which a predecessor was killed."""
        size = os.fstat(self._file).st_size
        if size and os.pread(self._file, 1, size - 1) != b"\n":
            os.write(self._file, b"\n")


def read_entries(path: Path) -> list[Entry]:
    """What still stands according to the ledger at `path`, newest first; nothing if there is no ledger."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return []
    standing: Standing = {}
    _apply(data, standing)
    return list(reversed(standing.values()))


def _made(entry: Entry) -> bytes:
    return _line({"made": entry.kind, "name": entry.name, **({"facts": entry.facts} if entry.facts else {})})


def _line(fact: dict[str, Any]) -> bytes:
    return json.dumps(fact, separators=(",", ":")).encode() + b"\n"


def _apply(lines: bytes, standing: Standing) -> None:
    for line in lines.split(b"\n"):
        try:
            fact = json.loads(line)
        except ValueError:
            continue  # empty, or torn: its object was never made
        key = (fact.get("made") or fact.get("gone"), fact["name"])
        standing.pop(key, None)
        if fact.get("made"):
            standing[key] = Entry(*key, fact.get("facts", {}))
