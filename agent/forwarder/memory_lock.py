"""Keeps a process's memory from being paged out: a page that must come back from a disk is milliseconds late."""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource

from plctl.common.host.privilege import may_lock_memory

_MCL_CURRENT, _MCL_FUTURE, _MCL_ONFAULT = 1, 2, 4


def lock_memory() -> str:
    """Have every page of this process stay in memory once it is there; a sentence if that is refused, else empty.

    Pages that were never touched take no memory (`MCL_ONFAULT`): otherwise the stacks of idle threads alone would take
    half a gigabyte. Without the right to lift the limit nothing is locked: under one, later allocations would fail.
    """
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_MEMLOCK, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    limit, _ = resource.getrlimit(resource.RLIMIT_MEMLOCK)
    if limit != resource.RLIM_INFINITY and not may_lock_memory():
        return f"memory is not locked: the limit is {limit} bytes (ulimit -l) and may not be raised"
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mlockall(_MCL_CURRENT | _MCL_FUTURE | _MCL_ONFAULT) < 0:
        return f"memory is not locked: {os.strerror(ctypes.get_errno())}"
    return ""
