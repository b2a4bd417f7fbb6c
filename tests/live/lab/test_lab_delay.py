"""The delays of a laboratory, measured one-way: the difference of any two hosts' clocks is known exactly."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable

import pytest

from plctl.agent.lab.delay import Delay
from plctl.agent.lab.design import AccessLink
from plctl.agent.lab.lab import Lab
from plctl.common.base.units import NS_PER_MS

pytestmark = pytest.mark.undisturbed

MS = NS_PER_MS
ROUNDS = 40
#: What kernel, forwarder and two processes may add to the shortest of `ROUNDS` passages, on a busy machine.
SLACK_NS = 2 * MS

#: argv: count. Answers each datagram with when it came.
ECHO = """
import socket, sys, time
server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
server.bind(("", 7778))
print("ready", flush=True)
for _ in range(int(sys.argv[1])):
    data, source = server.recvfrom(100)
    server.sendto(str(time.monotonic_ns()).encode(), source)
"""

#: argv: host, count. Prints for each round: sent here, came there (and left at once), came back here.
ROUND = """
import socket, sys, time
client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
client.settimeout(30)
client.connect((sys.argv[1], 7778))
for _ in range(int(sys.argv[2])):
    sent = time.monotonic_ns()
    client.send(b"when?")
    there = int(client.recv(100))
    print(sent, there, time.monotonic_ns())
"""


def measure(lab: Lab, source: str, target: str) -> tuple[list[int], list[int]]:
    """One-way delays in ns of `ROUNDS` datagrams from `source` to `target`, and of as many back."""
    here, there = lab.host(source), lab.host(target)
    echo = [sys.executable, "-c", ECHO, str(ROUNDS)]
    with there.popen(echo, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout
        assert "ready\n" == server.stdout.readline()
        done = here.run([sys.executable, "-c", ROUND, target, str(ROUNDS)], timeout=60)
        assert (0, 0) == (done.returncode, server.wait(60)), done.stderr
    rounds = [tuple(map(int, line.split())) for line in done.stdout.splitlines()]
    ahead = there.monotonic_offset_ns - here.monotonic_offset_ns
    return [t - ahead - s for s, t, _ in rounds], [b - (t - ahead) for _, t, b in rounds]


def assert_shortest(expected_ns: int, delays_ns: list[int]) -> None:
    """No packet was faster than asked, and the fastest was hardly slower."""
    assert expected_ns <= min(delays_ns) < expected_ns + SLACK_NS


#: From, to, and what it takes there and back.
WAYS = [
    ("h1", "controller", 5 * MS, 5 * MS),
    ("h2", "controller", 20 * MS, 0),
    ("h2", "h1", 25 * MS, 5 * MS),
    ("controller", "workstation", 0, 0),
]


def test_delays_are_as_asked(bring_up: Callable[..., Lab]) -> None:
    """Each way by itself: symmetric, asymmetric, the sum of two hosts' delays, and none."""
    lab = bring_up(2, accesses={"h1": AccessLink(Delay(5 * MS), Delay(5 * MS)), "h2": AccessLink(up=Delay(20 * MS))})
    for source, target, there_ns, back_ns in WAYS:
        there, back = measure(lab, source, target)
        assert_shortest(there_ns, there)
        assert_shortest(back_ns, back)


def test_a_delay_can_vary(bring_up: Callable[..., Lab]) -> None:
    """Every packet took at least the least, some the machine's lateness aside took less than the middle, some more."""
    lab = bring_up(1, accesses={"h1": AccessLink(up=Delay(20 * MS, 15 * MS))}, seed=1)
    there, back = measure(lab, "h1", "controller")
    assert 5 * MS <= min(there) < 15 * MS
    assert 25 * MS < sorted(there)[-2]
    assert_shortest(0, back)
