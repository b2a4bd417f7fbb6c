"""A controller does not keep what the threads that complete folders have freed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

#: Lets `plctl controller`, where it would begin to serve, write a Parquet file in each of some threads that live on.
#: Prints Arrow's pool, what the environment says of Arrow, which others would inherit, and the KiB by which the process
#: has grown since the first thread was done.
_PROGRAM = """
import os, sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from plctl.controller.commands import controller as command

folder = Path(sys.argv[1])

def resident():
    return int(Path("/proc/self/smaps_rollup").read_text().split("Rss:")[1].split()[0])

async def serve(*_):
    import pyarrow as pa
    import pyarrow.parquet as pq

    def write(number):
        numbers = pa.array(range(number, number + 50_000))
        pq.write_table(pa.table({f"c{column}": numbers for column in range(8)}), folder / f"{number}.parquet")

    pools = [ThreadPoolExecutor(1) for _ in range(6)]
    pools[0].submit(write, 0).result()
    before = resident()
    for number, pool in enumerate(pools):
        pool.submit(write, number).result()
    grown = resident() - before
    print(pa.default_memory_pool().backend_name, sorted(name for name in os.environ if "ARROW" in name), grown)

command._serve = serve
keys = str(folder / "keys")
command.controller.main(["init", "--keys", keys], standalone_mode=False)
served = ["--listen", "tcp://127.0.0.1:7777", "--keys", keys, "--runs", keys]
command.controller.main(served, standalone_mode=False)
"""


def test_parquet_written_in_many_threads_leaves_no_heap_in_each(tmp_path: Path) -> None:
    """Five more threads take less than two megabytes together, and what a controller starts does not inherit that."""
    environment = {name: value for name, value in os.environ.items() if "ARROW" not in name}
    program = [sys.executable, "-P", "-c", _PROGRAM, str(tmp_path)]
    done = subprocess.run(program, check=True, capture_output=True, text=True, env=environment)
    *said, grown = done.stdout.splitlines()[-1].split()
    assert ["system", "[]"] == said
    assert int(grown) < 2048
