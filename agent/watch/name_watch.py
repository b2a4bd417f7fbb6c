"""Notices when a namespace loses its name, as by `ip netns del`: the kernel tells that of the folder of names only."""

from __future__ import annotations

import contextlib
import ctypes
import os
import struct
from pathlib import Path

from plctl.common.base.errors import KernelError

_IN_MOVED_FROM, _IN_DELETE, _IN_Q_OVERFLOW = 0x40, 0x200, 0x4000  # linux/inotify.h
_EVENT = struct.Struct("=iIII")  # struct inotify_event: watch, mask, cookie, length of the name behind it
_RECEIVE_BYTES = 65_536

_libc = ctypes.CDLL(None, use_errno=True)


class NameWatch:
    """The names in `folder`, from now on."""

    def __init__(self, folder: Path) -> None:
        """Begin to watch.

        :raises KernelError: there is no such folder, or the kernel refuses.
        """
        self._inotify: int = _libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        if self._inotify < 0:
            raise _refusal(folder)
        if _libc.inotify_add_watch(self._inotify, os.fsencode(folder), _IN_MOVED_FROM | _IN_DELETE) < 0:
            error = _refusal(folder)
            self.close()
            raise error

    def fileno(self) -> int:
        """The descriptor that is readable when there is something to `hear`."""
        return self._inotify

    def hear(self) -> list[str]:
        """The names that were taken away since the last time; "" if the kernel had to drop some."""
        names = []
        with contextlib.suppress(BlockingIOError):
            while data := os.read(self._inotify, _RECEIVE_BYTES):
                offset = 0
                while offset < len(data):
                    _, mask, _, length = _EVENT.unpack_from(data, offset)
                    offset += _EVENT.size
                    name = data[offset : offset + length].partition(b"\0")[0]
                    names.append("" if mask & _IN_Q_OVERFLOW else os.fsdecode(name))
                    offset += length
        return names

    def close(self) -> None:
        """Watch no more. Twice is harmless."""
        if self._inotify >= 0:
            os.close(self._inotify)
            self._inotify = -1


def _refusal(folder: Path) -> KernelError:
    error = OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return KernelError.from_os(f"watch the names in {folder}", error)
