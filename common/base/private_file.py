"""Files that only their owner may read: written whole or not at all, and never read if others could read them too."""

from __future__ import annotations

import contextlib
import fcntl
import os
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

from plctl.common.base.errors import KernelError, UserError


def read_private(path: Path) -> str:
    """The text of the file at `path`.

    :raises FileNotFoundError: there is no such file.
    :raises UserError: someone else owns it, or others may read or write it; the message says what to type.
    :raises KernelError: it cannot be read.
    """
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            _check_private(path, os.fstat(file.fileno()))
            return file.read()
    except FileNotFoundError:
        raise
    except OSError as error:
        raise KernelError.from_os(f"read {path}", error) from error


def write_private(path: Path, text: str, *, mode: int = 0o600) -> None:
    """Make or replace the file at `path`, so that a reader sees the old text or the new one and never a part.

    Its folder is made if need be, with mode 0700.

    :raises KernelError: it cannot be written.
    """
    try:
        make_private_folder(path.parent)
        descriptor, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                os.fchmod(file.fileno(), mode)
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            Path(temporary).replace(path)
        except BaseException:
            Path(temporary).unlink()
            raise
    except OSError as error:
        raise KernelError.from_os(f"write {path}", error) from error


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Keep others who change files in `folder` waiting; the folder is made if need be.

    :raises KernelError: the folder cannot be written.
    """
    try:
        make_private_folder(folder)
        lock = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise KernelError.from_os(f"use {folder}", error) from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def make_private_folder(folder: Path) -> None:
    """Make `folder` and all that is missing above it with mode 0700; `Path.mkdir` would do so only for the last.

    OSErrors pass.
    """
    for missing in reversed([path for path in (folder, *folder.parents) if not path.exists()]):
        missing.mkdir(mode=0o700, exist_ok=True)


def own_accounts() -> set[int]:
    """Whose files may be trusted: one's own, root's, and under sudo those of whoever called it."""
    caller = os.environ.get("SUDO_UID", "") if os.geteuid() == 0 else ""
    return {os.geteuid(), 0, *([int(caller)] if caller.isdecimal() else [])}


def _check_private(path: Path, facts: os.stat_result) -> None:
    if facts.st_uid not in own_accounts():
        raise UserError(f"{path} belongs to another user; keys are taken only from files of one's own or of root's")
    if stat.S_IMODE(facts.st_mode) & 0o077:
        raise UserError(f"{path} can be read or written by others; try: chmod 600 {path}")
