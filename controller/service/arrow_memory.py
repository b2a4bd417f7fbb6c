"""Lets Arrow allocate as everything else in the process does, so that what its threads have freed is given back.

Arrow's own allocator, mimalloc, keeps a heap for each thread that ever used it, and what was freed in that stays with
the thread. A controller completes folders in whichever thread is free, so that one heap after the other grows to what
the largest of them took.
"""

from __future__ import annotations

import os

#: Read by Arrow when its pool is first asked for. To choose another pool later leaves Parquet with the first.
_VARIABLE = "ARROW_DEFAULT_MEMORY_POOL"


def share_allocator() -> None:
    """Import Arrow with the C library's allocator, unless the environment names one; before Arrow is there.

    What this process starts is not to inherit the choice, so the environment is left as it was.
    """
    if _VARIABLE in os.environ:
        return
    os.environ[_VARIABLE] = "system"
    try:
        import pyarrow as pa  # noqa: PLC0415  # not before the variable is there

        pa.default_memory_pool()
    finally:
        del os.environ[_VARIABLE]
