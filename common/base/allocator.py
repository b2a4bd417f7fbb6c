"""Keeps a process that lives long from holding memory that it has freed.

Without this the C library lets each thread allocate from an arena of its own, up to eight for each CPU, and once a
large block was freed it puts the next ones of that size into arenas, too, where they stay part of the process. What
many threads make and free, as a forwarder does with links, then fills one arena after the other for thousands of links.
"""

from __future__ import annotations

import ctypes

#: As in malloc.h.
_M_MMAP_THRESHOLD, _M_ARENA_MAX = -3, -8
#: From this size on a block is mapped for itself, and so gone when it is freed; a port of a link takes 350 KB.
LARGE_BYTES = 128 * 1024


def give_back_memory() -> None:
    """Have large blocks returned to the kernel when they are freed, and small ones share one arena.

    To be called before there are other threads. Without effect where the C library knows no such parameters.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_MMAP_THRESHOLD, LARGE_BYTES)
        mallopt(_M_ARENA_MAX, 1)
