"""What the file system says of a run's folder, in a sentence that names the attempt and the remedy."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import FileIO

from plctl.common.base.errors import WorldError

_REMEDIES = {
    errno.ENOSPC: "free some space on that disk, or choose another folder with --out",
    errno.EDQUOT: "your disk quota is used up; choose another folder with --out",
    errno.EACCES: "choose a folder that you may write to with --out",
    errno.ENOENT: "choose another folder with --out",
    errno.ENOTDIR: "something on that path is no folder; choose another with --out",
    errno.EEXIST: "that is no folder; choose another with --out",
    errno.EPERM: "choose another folder with --out",
    errno.EROFS: "that file system is read-only; choose another folder with --out",
}


@contextmanager
def explained(attempt: str) -> Iterator[None]:
    """Turn what the file system says into a sentence that names the `attempt` and what to do."""
    try:
        yield
    except OSError as error:
        remedy = _REMEDIES.get(error.errno or 0)
        reason = os.strerror(error.errno) if error.errno else str(error)
        raise WorldError(f"cannot {attempt}: {reason}" + (f"; {remedy}" if remedy else "")) from error


def write_whole(file: FileIO, data: bytes | memoryview) -> None:
    """Write all of `data` at the file's position, or nothing.

    :raises OSError: the disk refuses; what is written next takes the place of what was written half.
    """
    begin, rest = file.tell(), memoryview(data)
    try:
        while rest:
            rest = rest[file.write(rest) :]
    except OSError:
        with suppress(OSError):  # under a quota, some file systems do not even let a file be cut
            file.truncate(begin)
        file.seek(begin)
        raise
