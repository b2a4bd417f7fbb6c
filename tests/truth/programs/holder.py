"""The workload at a link's server end that binds the port for its datagrams, and holds the run back until T0 may come.

    python3 -I -S holder.py FIFO READY PORT

It waits until somebody opens and closes FIFO, binds PORT, makes the file READY, which the run waits for, and sleeps.
"""

import socket
import sys
import time

#: Longer than any run of the generator.
SLEEP_S = 90


def main():
    """Hold, then sink."""
    fifo, ready, port = sys.argv[1:]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sink:
        sink.bind(("0.0.0.0", int(port)))
        with open(fifo, "rb") as gate:  # noqa: PTH123  # pathlib would cost the interpreter's start
            gate.read()
        with open(ready, "wb"):  # noqa: PTH123
            pass
        time.sleep(SLEEP_S)


if __name__ == "__main__":
    main()
