"""What the file system says of a run's folder, in a sentence that names the attempt and the remedy."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager

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
