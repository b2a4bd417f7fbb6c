"""The controller's list of who may connect: one public key, one name and one role an entry.

The list is a file that commands change while a controller serves; the controller looks at it again whenever the file
has changed, so that an enrolment or a revocation counts from the next message on.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

from plctl.common.base.errors import BusyError, KernelError, PlctlError, UserError
from plctl.common.base.private_file import locked, write_private
from plctl.common.security.keys import ClientRole, check_key, check_name, parse_private

_FILE = "allowed.json"


@dataclass(frozen=True, slots=True)
class AllowEntry:
    """One peer that may connect."""

    name: str
    role: ClientRole
    public: str  #: Z85
    added_utc: str  #: RFC 3339


@dataclass(frozen=True, slots=True)
class _Document:
    entries: tuple[AllowEntry, ...]


class AllowList:
    """The list in a controller's keys folder. Names and keys are unique, whatever the role."""

    def __init__(self, folder: Path) -> None:
        """Read the list in `folder`; a folder without one has an empty list.

        :raises UserError: others may read the file, or it is no allow-list.
        :raises KernelError: it cannot be read.
        """
        self.path = folder / _FILE
        self._name = str(self.path)
        self.trouble = ""  #: why the file's latest state is not in force; empty if it is
        self._by_key: dict[str, AllowEntry] = {}
        self._version = self._look()
        self._load()

    def by_key(self, public: str) -> AllowEntry | None:
        """The entry of whoever holds the key `public` (Z85), as the file says now.

        A file that cannot be used leaves the list as it was and the reason in `trouble`.
        """
        self._refresh()
        return self._by_key.get(public)

    def entries(self) -> list[AllowEntry]:
        """All entries, by name, as `by_key` knows them."""
        self._refresh()
        return sorted(self._by_key.values(), key=lambda entry: entry.name)

    def add(self, *entries: AllowEntry, replace: bool = False) -> None:
        """Let `entries` in, on disk: all of them or none.

        :param replace: take the place of entries of the same names, whose keys count no more.
        :raises UserError: a name is none.
        :raises BusyError: a name is taken and `replace` is false.
        """
        names = {check_name(entry.name) for entry in entries}
        with locked(self.path.parent):
            self._load()
            taken = [old.name for old in self._by_key.values() if old.name in names]
            if taken and not replace:
                raise BusyError(f"{taken[0]} is on the list {self.path} already; --replace makes its old key void")
            self._save([*(old for old in self._by_key.values() if old.name not in names), *entries])

    def remove(self, name: str) -> None:
        """Let `name` in no more, on disk.

        :raises UserError: nobody is called so.
        """
        with locked(self.path.parent):
            self._load()
            others = [entry for entry in self._by_key.values() if entry.name != name]
            if len(others) == len(self._by_key):
                raise UserError(f"{name!r:.80} is not on the list {self.path}")
            self._save(others)

    def _refresh(self) -> None:
        try:
            if (version := self._look()) != self._version:
                self._version = version
                self._load()
                self.trouble = ""
        except PlctlError as error:
            self.trouble = str(error)

    def _save(self, entries: list[AllowEntry]) -> None:
        write_private(self.path, json.dumps(asdict(_Document(tuple(entries))), indent=1) + "\n")
        self._version = self._look()
        self._load()

    def _load(self) -> None:
        try:
            document = parse_private(self.path, _Document)
        except FileNotFoundError:
            document = _Document(())
        by_key = {check_key(entry.public, self.path): entry for entry in document.entries}
        if len({check_name(entry.name) for entry in document.entries}) < len(document.entries) or len(by_key) < len(
            document.entries
        ):
            raise UserError(f"{self.path} has a name or a key twice")
        self._by_key = by_key

    def _look(self) -> tuple[int, int, int]:
        """What changes whenever the file is replaced or written to."""
        try:
            facts = os.stat(self._name)  # noqa: PTH116  (for every message: a Path's takes four times as long)
        except FileNotFoundError:
            return 0, 0, 0
        except OSError as error:
            raise KernelError.from_os(f"look at {self.path}", error) from error
        return facts.st_ino, facts.st_mtime_ns, facts.st_size
