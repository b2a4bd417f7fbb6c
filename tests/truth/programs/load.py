"""Uses up what a run needs, for a bounded time. Run by the bare interpreter: `load.py KIND SECONDS …`

spin SECONDS                 uses a CPU
real-time SECONDS CPU        uses this CPU before everybody else
timers SECONDS               lets the clock interrupt a CPU some ten thousand times a second
memory SECONDS BYTES         takes so much memory, again and again
"""

import mmap
import os
import select
import sys
import time


def main():
    """Do as argv says; ends in time whatever happens."""
    kind, seconds, *rest = sys.argv[1:]
    end = time.monotonic() + min(float(seconds), 5.0)
    if kind == "real-time":
        os.sched_setaffinity(0, {int(rest[0])})
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(90))
    while time.monotonic() < end:
        if kind == "timers":
            select.select([], [], [], 0.00005)
        elif kind == "memory":
            with mmap.mmap(-1, int(rest[0])) as balloon:
                for page in range(0, int(rest[0]), 4096):
                    balloon[page] = 1


if __name__ == "__main__":
    main()
