"""Sends bursts of datagrams of all sizes in several flows, with each value of the ECN field, for some seconds.

`many_flows.py SECONDS ADDRESS`; nobody needs to receive them.
"""

from __future__ import annotations

import socket
import sys
import time

BURST = 24
EVERY_S = 0.12


def main() -> None:
    """Until the time is over."""
    until, address = time.monotonic() + float(sys.argv[1]), sys.argv[2]
    flows = []
    for number in range(8):
        flows.append(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        flows[-1].setsockopt(socket.IPPROTO_IP, socket.IP_TOS, number % 4)
        flows[-1].bind(("", 5000 + number))
    sent = 0
    while time.monotonic() < until:
        for _ in range(BURST):
            flows[sent * sent % 8].sendto(bytes(18 + sent * 331 % 1400), (address, 6000))
            sent += 1
        time.sleep(EVERY_S)


main()
