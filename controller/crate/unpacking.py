"""Turns a bundle, which anybody may have made, back into a folder: nothing outside it, no more than it says."""

from __future__ import annotations

import shutil
import stat
import struct
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from plctl.common.base.errors import UserError
from plctl.common.base.units import format_size
from plctl.controller.crate.bundle import METADATA_NAME

_MAX_FILES = 1_000_000
_CHUNK_BYTES = 1 << 20


def is_bundle(path: Path) -> bool:
    """Whether `path` is a zip file, as bundles are."""
    return path.is_file() and zipfile.is_zipfile(path)


@contextmanager
def unpacked(path: Path) -> Iterator[Path]:
    """A folder with what is in the bundle `path`; it is gone after the block.

    :raises UserError: it is none, is damaged, or would write where it may not.
    """
    with tempfile.TemporaryDirectory(prefix="plctl-bundle-") as place:
        unpack(path, Path(place))
        yield Path(place)


def unpack(path: Path, target: Path) -> None:
    """Write the files of the bundle `path` into the empty folder `target`.

    :raises UserError: it is none, is damaged, or would write where it may not.
    :raises OSError: a file cannot be written.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
            _check(path, entries, target)
            for entry in entries:
                if not entry.is_dir() and entry.filename != METADATA_NAME:
                    _write(archive, entry, target / entry.filename)
    except (zipfile.BadZipFile, NotImplementedError, ValueError) as error:
        raise UserError(f"{path} is damaged, or no bundle: {error}") from None


def _check(path: Path, entries: list[zipfile.ZipInfo], target: Path) -> None:
    if not any(entry.filename == METADATA_NAME for entry in entries):
        raise UserError(f"{path} is no bundle: it has no {METADATA_NAME}")
    if len(entries) > _MAX_FILES:
        raise UserError(f"{path} holds {len(entries)} files; at most {_MAX_FILES} are read")
    seen: set[str] = set()
    for entry in entries:
        name = PurePosixPath(entry.filename)
        kind = stat.S_IFMT(entry.external_attr >> 16)
        if name.is_absolute() or ".." in name.parts or "\\" in entry.filename or "\0" in entry.filename:
            raise UserError(f"{path} would write outside its folder: {entry.filename!r:.80}")
        if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
            raise UserError(f"{path} holds something that is no file: {entry.filename!r:.80}")
        if str(name) in seen:
            raise UserError(f"{path} holds {entry.filename!r:.80} twice")
        seen.add(str(name))
    needed, free = sum(entry.file_size for entry in entries), shutil.disk_usage(target).free
    if needed > free:
        raise UserError(f"{path} would take {format_size(needed)}; {target} has {format_size(free)} free. Set TMPDIR")


def _write(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, target: Path) -> None:
    """No more bytes than the entry says."""
    target.parent.mkdir(parents=True, exist_ok=True)
    left = entry.file_size
    with target.open("xb") as file:
        for data in _chunks(archive, entry):
            left -= len(data)
            if left < 0:
                raise zipfile.BadZipFile(f"{entry.filename!r:.80} is longer than it says")
            file.write(data)


def _chunks(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> Iterator[bytes]:
    """The content of a file, piece by piece.

    :raises BadZipFile: it cannot be read; zipfile itself raises whatever the damage made it stumble over.
    """
    try:
        with archive.open(entry) as source:
            while data := source.read(_CHUNK_BYTES):
                yield data
    except (OSError, EOFError, RuntimeError, zlib.error, struct.error) as error:
        raise zipfile.BadZipFile(f"{entry.filename!r:.80} cannot be read: {error}") from None
