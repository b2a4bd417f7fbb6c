"""What the kernel counted at the ends of a link is what the forwarder counted; if not, it is said where."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import Literal, cast

import pytest
from support.raw_end import RawEnd
from support.running import stopped

from plctl.agent.forwarder.client import ForwarderClient
from plctl.agent.kernel.link_namespaces import (
    CLIENT_IPV4,
    SERVER_IPV4,
    LinkNamespaces,
    build,
    open_socket,
    remove,
)
from plctl.agent.ownership.ledger import Ledger
from plctl.agent.watch.ends_watch import EndsWatch, finish
from plctl.agent.watch.listener import Listener
from plctl.common.base.units import NS_PER_MS
from plctl.common.plan.forwarder_options import Io
from plctl.common.plan.run_plan import Capacity, LinkPlan, Queue
from plctl.common.scenario.schedule import Row, Schedule
from plctl.common.telemetry.samples import LinkStats
from plctl.common.telemetry.witness import EndBooks, InterfaceWatch, Passage

MACS = bytes.fromhex("666666666666 222222222222".replace(" ", ""))
PLAN = LinkPlan(
    "leo-0",
    *[Schedule((Row(0, 0, NS_PER_MS, 200_000_000),))] * 2,
    queue=Queue(capacity=Capacity("packets", 50)),
)
FLOOD = 20_000  #: frames: more than any ring holds, at a multiple of the rate


class Watched:
    """A link that is forwarded, and watched from before its first frame."""

    def __init__(self, forwarder: ForwarderClient, namespaces: LinkNamespaces, plan: LinkPlan, io: Io) -> None:
        self.forwarder = forwarder
        self.namespaces = namespaces
        self.listener = Listener()
        self.read = partial(forwarder.read, 0)
        self.watch = EndsWatch(namespaces, self.read, self.listener, lambda _: None, plan, xdp=io == "xdp")

    def finish(self) -> InterfaceWatch:
        """Close the books."""
        finish([self.watch])
        return self.watch.result()

    def close(self) -> None:
        """Watch no more."""
        self.watch.close()
        self.listener.close()


@pytest.fixture(params=["packet", "xdp"])
def io(request: pytest.FixtureRequest) -> Io:
    """The back end."""
    return cast(Io, request.param)


@pytest.fixture(params=["static", "dynamic"])
def arp(request: pytest.FixtureRequest) -> Literal["static", "dynamic"]:
    """With `dynamic` the kernel sends frames of its own, some of them before there is a forwarder."""
    return cast(Literal["static", "dynamic"], request.param)


@pytest.fixture
async def link(
    ledger: Ledger, namespaces: LinkNamespaces, io: Io, arp: Literal["static", "dynamic"]
) -> AsyncIterator[Watched]:
    """Forwarded by that back end."""
    plan = replace(PLAN, arp=arp)
    forwarder = await ForwarderClient.spawn(ledger, 1)
    build(namespaces, plan, ledger)
    try:
        assert io == await forwarder.add(0, namespaces.link, plan, io=io)
        made = Watched(forwarder, namespaces, plan, io)
        try:
            yield made
        finally:
            made.close()
    finally:
        await forwarder.close()
        remove(namespaces, ledger)


@contextmanager
def ends(link: Watched) -> Iterator[tuple[RawEnd, RawEnd]]:
    """The client's end and the server's."""
    with RawEnd(link.namespaces.client, "veth1") as client, RawEnd(link.namespaces.server, "veth2") as server:
        yield client, server


def do(link: Watched, command: str) -> None:
    """Run a command with the namespaces' names filled in."""
    names = {"client": link.namespaces.client, "link": link.namespaces.link, "server": link.namespaces.server}
    subprocess.run(["bash", "-c", command.format(**names)], check=True)


def assert_balanced(found: InterfaceWatch) -> tuple[Passage, Passage]:
    """Nothing is missing, in either direction."""
    up, down = found.passages
    assert found.settled
    assert [(0, 0, 0)] * 2 == [(each.missing_in, each.missing_out, each.refused_packets) for each in (up, down)]
    assert up.sent_packets == up.arrived_packets + up.lost_ring
    assert up.received_packets == up.delivered_packets
    return up, down


def end_of(found: InterfaceWatch, interface: str) -> EndBooks:
    """The books of one end."""
    return next(each for each in found.ends if each.interface == interface)


@pytest.mark.parametrize(
    "frame",
    [
        pytest.param(MACS + b"\x08\x00" + bytes(50), id="small"),
        pytest.param(MACS + b"\x08\x00" + bytes(1500), id="full size"),
        pytest.param(MACS + b"\x81\x00\xe1\x23\x08\x00" + bytes(1500), id="VLAN"),
        pytest.param(b"\xff" * 6 + MACS[6:] + b"\x08\x06" + bytes(28), id="broadcast"),
        pytest.param(MACS + b"\x88\xb5" + bytes(100), id="of a protocol that nobody knows"),
    ],
)
async def test_floods_that_fill_the_queue_balance(link: Watched, frame: bytes) -> None:
    """Both ways at once, at many times the rate, so that most frames are dropped as the scenario asks."""

    def flood(sender: RawEnd) -> None:
        for _ in range(FLOOD):
            sender.send(frame)

    with ends(link) as (client, server):
        await asyncio.gather(asyncio.to_thread(flood, client), asyncio.to_thread(flood, server))
    up, down = assert_balanced(link.finish())
    assert FLOOD <= up.sent_packets
    assert FLOOD <= down.sent_packets
    assert 0 < up.delivered_packets <= FLOOD + 9
    assert () == link.watch.result().changes


async def test_tcp_both_ways_that_ends_in_the_middle_balances(link: Watched) -> None:
    """Sockets are closed while they have more to say: what the kernels still tell each other is counted, too."""

    def talk(namespace: str, address: str, listener: socket.socket) -> None:
        """Half of what is said is heard; what is left has filled the sockets when they are closed."""
        with open_socket(namespace, socket.AF_INET, socket.SOCK_STREAM) as speaker:
            speaker.connect((address, 7))
            speaker.setblocking(False)
            heard, _ = listener.accept()
            until = time.monotonic() + 0.5
            with heard:
                while time.monotonic() < until:
                    with contextlib.suppress(BlockingIOError):
                        speaker.send(bytes(20_000))
                    heard.recv(10_000)

    names = link.namespaces
    with (
        open_socket(names.server, socket.AF_INET, socket.SOCK_STREAM) as server,
        open_socket(names.client, socket.AF_INET, socket.SOCK_STREAM) as client,
    ):
        for listener, address in ((server, SERVER_IPV4), (client, CLIENT_IPV4)):
            listener.bind((address, 7))
            listener.listen()
        await asyncio.gather(
            asyncio.to_thread(talk, names.client, SERVER_IPV4, server),
            asyncio.to_thread(talk, names.server, CLIENT_IPV4, client),
        )
        found = link.finish()
    up, down = assert_balanced(found)
    assert 100 < min(up.delivered_packets, down.delivered_packets)


async def test_a_ring_that_overran_balances(link: Watched) -> None:
    """What came while the forwarder was stopped, and did not fit, it knows to have missed."""
    with stopped(link.forwarder.pid), ends(link) as (client, _):
        for _ in range(FLOOD):
            client.send(MACS + b"\x08\x00" + bytes(1000))
    up, _ = assert_balanced(link.finish())
    assert 0 < up.lost_ring < up.sent_packets


async def test_frames_that_nobody_reads_are_missing(link: Watched) -> None:
    """A forwarder that does not come back leaves them where they are."""
    before = link.read()
    with stopped(link.forwarder.pid):
        with ends(link) as (client, _):
            for _ in range(10):
                client.send(MACS + b"\x08\x00" + bytes(1000))
        found = link.finish()
    assert found.settled
    assert (10, 0) == (found.passages[0].missing_in, found.passages[0].missing_out)
    assert before == LinkStats() or before.up.delivered_packets < 9


async def test_frames_that_tc_drops_at_the_far_end_are_counted_there(link: Watched) -> None:
    """Also when the filter is gone in the end."""
    do(link, "tc -n {server} qdisc add dev veth2 clsact")
    do(link, "tc -n {server} filter add dev veth2 ingress bpf direct-action bytecode 1,6\\ 0\\ 0\\ 2")
    with ends(link) as (client, server):
        for _ in range(10):
            client.send(MACS + b"\x08\x00" + bytes(1000))
        for _ in range(10):
            await server.receive()
        do(link, "tc -n {server} qdisc del dev veth2 clsact")
    found = link.finish()
    assert_balanced(found)
    assert (10, 0) == (end_of(found, "veth2").ingress_drops, end_of(found, "veth2").egress_drops)


async def test_frames_for_an_end_that_is_down_are_counted(link: Watched) -> None:
    """Those that the client could not hand over, and those that the forwarder could not."""
    do(link, "ip -n {link} link set sim-veth1 down")
    with ends(link) as (client, server):
        for _ in range(10):
            client.send(MACS + b"\x08\x00" + bytes(1000))
            server.send(MACS + b"\x08\x00" + bytes(1000))
    found = link.finish()
    up, down = found.passages
    assert found.settled
    assert 10 <= up.refused_packets
    assert (0, 0) == (up.missing_in, up.missing_out)
    assert (0, 0) == (down.missing_in, down.missing_out)
    assert 10 <= link.read().down.lost_send


async def test_frames_too_long_for_the_link_are_counted(link: Watched) -> None:
    """Where they were refused."""
    do(link, "ip -n {client} link set veth1 mtu 9000")
    with ends(link) as (client, _):
        for _ in range(10):
            with pytest.raises(OSError, match="No buffer space"):
                client.send(MACS + b"\x08\x00" + bytes(5000))
    assert 10 == link.finish().passages[0].refused_packets


async def test_frames_of_somebody_else_are_noticed(link: Watched) -> None:
    """Sent from inside the link's namespace, past the model."""
    with RawEnd(link.namespaces.link, "sim-veth2") as stranger:
        for _ in range(10):
            stranger.send(MACS + b"\x08\x00" + bytes(1000))
    found = link.finish()
    assert found.settled
    assert (0, -10) == (found.passages[0].missing_in, found.passages[0].missing_out)
