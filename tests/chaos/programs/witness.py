"""A workload that writes down what really happened, in a file of its own, a line at a time.

    python3 -I -S witness.py send FILE LINK ADDRESS:PORT SECONDS BURST
    python3 -I -S witness.py receive FILE PORT READY

A killed witness has lost nothing, because each line is handed to the kernel at once. Times are of the host's
CLOCK_MONOTONIC, in nanoseconds. The sender also prints each number, so that the output in the results can be held to
what it wrote. Its datagrams bear the header by which the judge of `tests/truth` knows frames, with the number LINK;
twice a second `BURST` of them, of a full frame each, leave back to back.
"""

import socket
import struct
import sys
import time

_GAP_S = 0.02
#: As `HEADER` and `MAGIC` of truth/programs/sender.py: magic, link, way (0: up), length of the payload, number.
HEADER, MAGIC = struct.Struct("!8sBBHI"), b"truth-15"
SMALL_BYTES, FULL_BYTES = 40, 1472
#: A burst comes with every so manieth datagram.
BURST_EVERY = 25
#: Longer than any run.
_LISTEN_S = 120


def payload(link, number, length):
    """The datagram `number`; no two are alike."""
    return HEADER.pack(MAGIC, link, 0, length, number) + (b"%d " % number * length)[: length - HEADER.size]


def _send(path, link, target, seconds, burst):
    """Datagrams with numbers, one every `_GAP_S`."""
    with open(path, "a", buffering=1) as log, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as end:  # noqa: PTH123
        address, port = target.split(":")
        begin = time.monotonic_ns()
        log.write(f"began {begin}\n")
        number = turn = 0
        while time.monotonic_ns() < begin + float(seconds) * 1e9:
            is_burst = turn % BURST_EVERY == BURST_EVERY - 1
            for length in [SMALL_BYTES, *[FULL_BYTES] * (int(burst) if is_burst else 0)]:
                before = time.monotonic_ns()
                try:
                    end.sendto(payload(int(link), number, length), (address, int(port)))
                except OSError as error:
                    log.write(f"refused {number} {before} {error.errno}\n")
                else:
                    log.write(f"sent {number} {before} {time.monotonic_ns()}\n")
                print(number, flush=True)
                number += 1
            turn += 1
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
                data = end.recv(HEADER.size)
                log.write(f"came {HEADER.unpack(data)[4]} {time.monotonic_ns()}\n")
        except TimeoutError:
            pass


if __name__ == "__main__":
    {"send": _send, "receive": _receive}[sys.argv[1]](*sys.argv[2:])
