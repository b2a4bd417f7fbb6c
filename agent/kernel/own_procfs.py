"""A procfs of one's own, mounted nowhere, in which a name is found at once however many namespaces there are.

/proc/sys/net has an entry `ipv4` and an entry `ipv6` for every network namespace, all of them under one hash in the
kernel's cache of names. Each look into it goes through them one by one: with three thousand namespaces a millisecond,
and the settings of a thousand links half of the time that it takes to build them. An instance of its own begins empty.
"""

from __future__ import annotations

import ctypes
import os

_FSOPEN, _FSCONFIG, _FSMOUNT = 430, 431, 432  # the same on all architectures
_FSOPEN_CLOEXEC, _FSCONFIG_CMD_CREATE, _FSMOUNT_CLOEXEC = 1, 6, 1  # linux/mount.h

_libc = ctypes.CDLL(None, use_errno=True)


def open_own_procfs() -> int:
    """A descriptor of its root folder; it is gone with that. Takes some 70 µs in all.

    :raises OSError: this kernel has none to give (before Linux 5.2), or not to this process.
    """
    context = _call(_FSOPEN, b"proc", _FSOPEN_CLOEXEC)
    try:
        _call(_FSCONFIG, context, _FSCONFIG_CMD_CREATE, None, None, 0)
        return _call(_FSMOUNT, context, _FSMOUNT_CLOEXEC, 0)
    finally:
        os.close(context)


def _call(number: int, *arguments: object) -> int:
    result = int(_libc.syscall(ctypes.c_long(number), *arguments))
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result
