"""A process that lives long keeps no memory that it has freed."""

from __future__ import annotations

import subprocess
import sys

from plctl.common.base.allocator import LARGE_BYTES

#: What a forwarder does: threads that live on make links of large and small blocks at the same time, and free them.
#: Prints how many arenas there are then, and how many bytes a large block that is made afterwards takes of its own.
_PROGRAM = """
import ctypes, re, tempfile, sys
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from plctl.common.base.allocator import LARGE_BYTES, give_back_memory

class Info(ctypes.Structure):
    names = "arena ordblks smblks hblks hblkhd usmblks fsmblks uordblks fordblks keepcost"
    _fields_ = [(name, ctypes.c_size_t) for name in names.split()]

libc = ctypes.CDLL(None)
libc.malloc.restype, libc.malloc.argtypes, libc.free.argtypes = ctypes.c_void_p, [ctypes.c_size_t], [ctypes.c_void_p]
libc.mallinfo2.restype = Info
if sys.argv[1] == "give back":
    give_back_memory()
together = Barrier(8)

def link(_):
    together.wait()
    blocks = [libc.malloc(size) for size in (64, 3000, 3 * LARGE_BYTES)]
    together.wait()
    for block in blocks:
        libc.free(block)

with ThreadPoolExecutor(8) as pool:
    list(pool.map(link, range(80)))
before = libc.mallinfo2().hblkhd
libc.malloc(2 * LARGE_BYTES)
mapped = libc.mallinfo2().hblkhd - before
with tempfile.TemporaryFile() as file:
    stream = libc.fdopen
    stream.restype, libc.malloc_info.argtypes = ctypes.c_void_p, [ctypes.c_int, ctypes.c_void_p]
    libc.fflush.argtypes = [ctypes.c_void_p]
    opened = stream(file.fileno(), b"w")
    libc.malloc_info(0, opened)
    libc.fflush(opened)
    file.seek(0)
    print(len(re.findall(b"<heap nr", file.read())), mapped)
"""


def _arenas_and_mapped(how: str) -> tuple[int, int]:
    done = subprocess.run([sys.executable, "-P", "-c", _PROGRAM, how], check=True, capture_output=True, text=True)
    arenas, mapped = done.stdout.split()
    return int(arenas), int(mapped)


def test_threads_share_one_arena_and_large_blocks_are_given_back() -> None:
    """A large block is mapped for itself also after others were freed; without our asking neither holds."""
    arenas, mapped = _arenas_and_mapped("give back")
    assert arenas == 1
    assert mapped >= 2 * LARGE_BYTES
    arenas, mapped = _arenas_and_mapped("as it is")
    assert arenas > 1
    assert mapped == 0
