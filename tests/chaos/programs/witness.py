"""A workload that writes down what really happened, in a file of its own, a line at a time.

    python3 -I -S witness.py send FILE ADDRESS PORT SECONDS
    python3 -I -S witness.py receive FILE PORT READY

A killed witness has lost nothing, because each line is handed to the kernel at once. Times are of the host's
CLOCK_MONOTONIC, in nanoseconds. The sender also prints each number, so that the output in the results can be held to
what it wrote.
"""

import socket
import struct
import sys
import time

_GAP_S = 0.02
_NUMBER = struct.Struct("=Q")
#: Longer than any run.
_LISTEN_S = 120


def _send(path, address, port, seconds):
    """Datagrams with numbers, one every `_GAP_S`."""
    with open(path, "a", buffering=1) as log, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as end:  # noqa: PTH123
        begin = time.monotonic_ns()
        log.write(f"began {begin}\n")
        number = 0
        while time.monotonic_ns() < begin + float(seconds) * 1e9:
            before = time.monotonic_ns()
            try:
                end.sendto(_NUMBER.pack(number), (address, int(port)))
            except OSError as error:
                log.write(f"refused {number} {before} {error.errno}\n")
            else:
                log.write(f"sent {number} {before} {time.monotonic_ns()}\n")
            print(number, flush=True)
            number += 1
            time.sleep(_GAP_S)
        log.write(f"ended {time.monotonic_ns()}\n")


def _receive(path, port, ready):
    """What comes, until it is ended."""
    with open(path, "a", buffering=1) as log, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as end:  # noqa: PTH123
        end.bind(("0.0.0.0", int(port)))
        end.settimeout(_LISTEN_S)
        with open(ready, "wb"):  # noqa: PTH123
            pass
        try:
            while True:
                data = end.recv(100)
                log.write(f"came {_NUMBER.unpack(data[:8])[0]} {time.monotonic_ns()}\n")
        except TimeoutError:
            pass


if __name__ == "__main__":
    {"send": _send, "receive": _receive}[sys.argv[1]](*sys.argv[2:])
