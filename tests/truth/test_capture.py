"""The judge's eyes: every frame is seen once at each place where it is to be, whole, and what is missed is counted."""

from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Iterator

import pytest

from truth.capture.ends import End
from truth.capture.frame import Number
from truth.inside import command, inside, open_namespace
from truth.programs.sender import payload

pytestmark = pytest.mark.needs_root  # namespaces

ADDRESSES = ("10.7.15.1", "10.7.15.2")


@pytest.fixture
def pair() -> Iterator[tuple[int, int]]:
    """Two namespaces with a veth pair between them, without offloads that matter to UDP of one frame."""
    names = [f"truth-{os.getpid()}-{side}" for side in "ab"]
    opened = []
    try:
        for name in names:
            subprocess.run(["ip", "netns", "add", name], check=True)
            opened.append(open_namespace(name))
        one, other = names
        subprocess.run(
            ["ip", "-n", one, "link", "add", "va", "type", "veth", "peer", "name", "vb", "netns", other], check=True
        )
        for name, interface, address in zip(names, ("va", "vb"), ADDRESSES, strict=True):
            subprocess.run(["ip", "-n", name, "address", "add", f"{address}/24", "dev", interface], check=True)
            subprocess.run(["ip", "-n", name, "link", "set", interface, "arp", "off", "up"], check=True)
        yield opened[0], opened[1]
    finally:
        for descriptor in opened:
            os.close(descriptor)
        for name in names:
            subprocess.run(["ip", "netns", "delete", name], check=False)


def send(namespace: int, count: int) -> None:
    """So many datagrams from the first to the second; the kernel has handed them over when this returns."""
    with inside(namespace, lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as sender:
        for number in range(count):
            sender.sendto(payload(3, 0, number, 100 + number), (ADDRESSES[1], 9))


def numbers(frames: list) -> list[Number]:
    """Of the datagrams among them."""
    return [frame.number for frame in frames if frame.number]


def test_sees_every_frame_at_both_ends(pair: tuple[int, int]) -> None:
    """In order, as the same bytes, with stamps that do not go back between the ends."""
    with End(pair[0], 500) as near, End(pair[1], 500) as far:
        send(pair[0], 200)
        left = [frame for frame in near.look().left if frame.number]
        came = [frame for frame in far.look().came if frame.number]
    assert [Number(3, 0, number) for number in range(200)] == numbers(left)
    assert numbers(left) == numbers(came)
    assert [frame.digest for frame in left] == [frame.digest for frame in came]
    assert all(one.stamp_ns <= other.stamp_ns for one, other in zip(left, came, strict=True))


def test_does_not_see_come_what_a_filter_drops(pair: tuple[int, int]) -> None:
    """A frame that tc drops on its way in left the one end and never came at the other."""
    command(pair[1], "tc", "qdisc", "add", "dev", "vb", "clsact")
    done = command(pair[1], "tc", "filter", "add", "dev", "vb", "ingress", "bpf", "da", "bytecode", "1,6 0 0 2")
    assert done.returncode == 0, done.stderr
    with End(pair[0], 500) as near, End(pair[1], 500) as far:
        send(pair[0], 20)
        assert len(numbers(near.look().left)) == 20
        assert numbers(far.look().came) == []


def test_counts_what_it_has_no_room_for(pair: tuple[int, int]) -> None:
    """A ring that is too small says by how much."""
    with End(pair[0], 32) as near:
        send(pair[0], 100)
        seen = near.look()
    assert seen.missed >= 68
