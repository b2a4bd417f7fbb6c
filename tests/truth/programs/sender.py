"""The workload of a truth run: numbered datagrams on a plan that a seed decides. Run by the bare interpreter.

    python3 -I -S sender.py ORDER

ORDER is a JSON object: `address` and `port` to send to, `listen` (a port that is bound and never read, so that nobody
answers what arrives there; 0: none), `link`, `way`, and `seed`, `shape`, … of the plan, see `plan`. The first line that
it prints is when it began (CLOCK_MONOTONIC, ns), the second how many datagrams the kernel took and refused.
"""

import json
import random
import socket
import struct
import sys
import time

HEADER = struct.Struct("!8sBBHI")  #: magic, link, way, length of the payload, number
MAGIC = b"truth-15"
#: What stands behind the header: a piece of this table, at a place that the number decides.
TABLE = random.Random(15).randbytes(8192)
_PLACES = 4096


def payload(link, way, number, length):
    """The datagram `number` of a link's way (0: up, 1: down); no two are alike."""
    place = number * 2654435761 % _PLACES
    return HEADER.pack(MAGIC, link, way, length, number) + TABLE[place : place + length - HEADER.size]


def plan(order):
    """When (ns after the beginning) datagrams leave, and of how many bytes each is, in order.

    `shape`: ``even`` gaps, ``random`` ones (exponential), or ``groups`` of `together`. `rate_pps` is the mean; `sizes`
    are drawn evenly; `bursts` (pairs of ns and count) come on top, back to back.
    """
    draw = random.Random(order["seed"])
    gap_ns, together = 10**9 / order["rate_pps"], order["together"] if order["shape"] == "groups" else 1
    times, t = [], 0.0
    while t < order["duration_ns"]:
        times += [round(t)] * together
        t += together * (draw.expovariate(1 / gap_ns) if order["shape"] == "random" else gap_ns)
    times += [at for at, count in order["bursts"] for _ in range(count)]
    return [(at, draw.choice(order["sizes"])) for at in sorted(times)]


def main():
    """Send what the order in argv says."""
    begin = time.monotonic_ns()
    print(begin, flush=True)
    order = json.loads(sys.argv[1])
    taken = refused = 0
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sink,
    ):
        out.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4 << 20)
        if order["listen"]:
            sink.bind(("0.0.0.0", order["listen"]))
        for number, (at, size) in enumerate(plan(order)):
            left = begin + at - time.monotonic_ns()
            if left > 0:
                time.sleep(left / 1e9)
            try:
                out.sendto(payload(order["link"], order["way"], number, size), (order["address"], order["port"]))
                taken += 1
            except OSError:  # an interface is down, or a queue before it full: the frame never left
                refused += 1
        print(taken, refused, flush=True)
        time.sleep(max(begin + order["linger_ns"] - time.monotonic_ns(), 0) / 1e9)  # the sink is bound until then


if __name__ == "__main__":
    main()
