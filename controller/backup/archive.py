"""Writes and reads a backup: a compressed tar archive for its owner's eyes only, as secret keys are in it.

Its first member is `backup.json`: {format, plctl, created_utc, journal, keys, runs}, the last three saying how many of
each are in it. `journal.sqlite` is the journal, `keys/…` what lies in the controller's keys folder, and `runs/ID/…` the
folders of runs that are over.
"""

from __future__ import annotations

import io
import json
import os
import shutil
import sqlite3
import tarfile
import tempfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from plctl.common import __version__
from plctl.common.base.clock import Clock, format_wall
from plctl.common.base.errors import BusyError, KernelError, PlctlError, UserError
from plctl.common.base.json_text import read_json
from plctl.common.protocol.wire import from_plain
from plctl.controller.hub.journal_file import copy_journal, hold_journal
from plctl.controller.results.run_reader import read_record

FORMAT = 1
_MANIFEST, _JOURNAL, _KEYS, _RUNS = "backup.json", "journal.sqlite", "keys", "runs"

#: Told how many pieces are done (journal, keys, runs' folders), and of how many.
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class ControllerPlace:
    """Where a controller keeps what it has."""

    keys: Path
    journal: Path
    runs: Path


@dataclass(frozen=True, slots=True)
class Backup:
    """What a backup has in it."""

    format: int
    plctl: str
    created_utc: str
    journal: int  #: runs that the journal knows
    keys: int  #: files
    runs: int  #: folders


def write_backup(target: Path, of: ControllerPlace, clock: Clock, *, with_runs: bool, progress: Progress) -> Backup:
    """Write the backup `target`, whether the controller serves or not.

    :raises UserError: there is no journal, or no keys.
    :raises KernelError: something cannot be read or written; there is no `target` then.
    """
    draft = target.with_name(target.name + ".part")
    keys = _key_files(of.keys)
    try:
        with tempfile.TemporaryDirectory(dir=target.absolute().parent) as folder:
            copy = Path(folder) / _JOURNAL
            copy_journal(of.journal, copy)
            known = _runs_of(copy)
            runs = [run for run in known if _is_complete(of.runs / run)] if with_runs else []
            backup = Backup(FORMAT, __version__, format_wall(clock.wall_ns()), len(known), len(keys), len(runs))
            descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                with tarfile.open(fileobj=file, mode="w:gz", compresslevel=1) as archive:
                    _add_manifest(archive, backup)
                    parts = [(copy, _JOURNAL), *((path, f"{_KEYS}/{path.relative_to(of.keys)}") for path in keys)]
                    parts += ((of.runs / run, f"{_RUNS}/{run}") for run in runs)
                    for number, (path, name) in enumerate(parts, 1):
                        archive.add(path, name, filter=_plain_files)
                        progress(number, len(parts))
                os.fsync(file.fileno())
        draft.replace(target)
    except OSError as error:
        raise KernelError.from_os(f"write {target}", error) from error
    finally:
        with suppress(OSError):
            draft.unlink()
    return backup


def read_backup(source: Path) -> Backup:
    """What is in the backup `source`. Errors as `restore`."""
    with _opened(source) as archive:
        return _manifest(archive, source)


def restore(source: Path, to: ControllerPlace, progress: Progress) -> Backup:
    """Put what is in the backup `source` where the controller reads it. Nothing that is there is replaced.

    :raises UserError: it is no backup.
    :raises BusyError: a controller uses that journal, or there is something already; nothing was written then.
    :raises KernelError: something cannot be read or written.
    """
    with _opened(source) as archive, _held(to.journal):
        backup = _manifest(archive, source)
        _require_room(to, backup)
        try:
            done: set[str] = set()
            for member in archive:
                done.add(_put(archive, member, to))
                progress(len(done), 1 + 1 + backup.runs)
        except (tarfile.TarError, EOFError, zlib.error) as error:
            raise UserError(f"{source} is damaged: {error}") from None
        except OSError as error:
            raise KernelError.from_os(f"restore {source}", error) from error
    return backup


# --- writing


def _key_files(folder: Path) -> list[Path]:
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != ".lock")
    if not files:
        raise UserError(f"there are no keys of a controller in {folder}; say where they are with --keys")
    return files


def _runs_of(journal: Path) -> list[str]:
    with closing(sqlite3.connect(journal)) as db:
        return [run for (run,) in db.execute("SELECT run FROM runs ORDER BY number")]


def _is_complete(folder: Path) -> bool:
    """Whether the run in `folder` is over; one that goes on still changes."""
    try:
        return bool(read_record(folder).verdict)
    except PlctlError:
        return False


def _add_manifest(archive: tarfile.TarFile, backup: Backup) -> None:
    data = json.dumps(asdict(backup), indent=2).encode()
    member = tarfile.TarInfo(_MANIFEST)
    member.size, member.mode = len(data), 0o600
    archive.addfile(member, io.BytesIO(data))


def _plain_files(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
    return member if member.isfile() or member.isdir() else None


# --- reading


def _opened(source: Path) -> tarfile.TarFile:
    try:
        return tarfile.open(source, "r:gz")
    except tarfile.TarError:
        raise UserError(f"{source} is not a backup of a controller") from None
    except OSError as error:
        raise KernelError.from_os(f"read {source}", error) from error


def _manifest(archive: tarfile.TarFile, source: Path) -> Backup:
    try:
        first = archive.next()
        file = archive.extractfile(first) if first and first.isfile() and first.name == _MANIFEST else None
        if not file:
            raise UserError(f"{source} is not a backup of a controller")
        backup = from_plain(Backup, read_json(file.read(2**20)), _MANIFEST)
    except (ValueError, tarfile.TarError, EOFError, zlib.error) as error:
        raise UserError(f"{source} is not a backup of a controller: {error}") from None
    if backup.format != FORMAT:
        raise UserError(f"{source} is a backup of format {backup.format}; this plctl reads format {FORMAT}")
    return backup


def _require_room(to: ControllerPlace, backup: Backup) -> None:
    taken = [to.journal] if to.journal.exists() else []
    taken += [to.keys] if to.keys.is_dir() and any(to.keys.iterdir()) else []
    taken += [path for path in to.runs.iterdir() if path.is_dir()] if backup.runs and to.runs.is_dir() else []
    if taken:
        raise BusyError(f"{taken[0]} exists already, and nothing is replaced; move it away, or restore elsewhere")


@contextmanager
def _held(journal: Path) -> Iterator[None]:
    """Keep every controller from the journal within the block."""
    lock = hold_journal(journal)
    try:
        yield
    finally:
        os.close(lock)


def _put(archive: tarfile.TarFile, member: tarfile.TarInfo, to: ControllerPlace) -> str:
    """Write one member, below the folder that it belongs in whatever it calls itself; what it is a part of."""
    top, _, rest = member.name.partition("/")
    if member.name == _JOURNAL and member.isfile():
        to.journal.parent.mkdir(parents=True, exist_ok=True)
        _write(archive, member, to.journal)
    elif top in (_KEYS, _RUNS) and rest:
        folder = to.keys if top == _KEYS else to.runs
        folder.mkdir(mode=0o700 if top == _KEYS else 0o777, parents=True, exist_ok=True)
        archive.extract(member.replace(name=rest), folder, filter="data")
    return top if top != _RUNS else rest.partition("/")[0]


def _write(archive: tarfile.TarFile, member: tarfile.TarInfo, path: Path) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        if content := archive.extractfile(member):
            shutil.copyfileobj(content, file)
        os.fsync(file.fileno())
