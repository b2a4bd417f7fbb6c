"""Marks on a real link: a kernel takes them for its own, and counts as many as the forwarder says it set."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from typing import Any, cast

import pytest
from model.ip_frames import CE, ECT_0, NOT_ECT, TAGS, checksum, frame, ipv4
from support.raw_end import SO_RCVBUFFORCE, RawEnd

from plctl.agent.forwarder.client import ForwarderClient, Io
from plctl.agent.kernel.link_namespaces import (
    CLIENT_INTERFACE,
    SERVER_INTERFACE,
    SERVER_IPV4,
    SERVER_IPV6,
    LinkNamespaces,
    build,
    open_socket,
    remove,
)
from plctl.agent.ownership.ledger import Ledger
from plctl.common.base.units import NS_PER_MS
from plctl.common.plan.run_plan import Capacity, LinkPlan, Queue
from plctl.common.scenario.schedule import Row, Schedule
from plctl.common.telemetry.packet_log import FIELDS, RECORD
from plctl.common.telemetry.samples import HalfStats

SCHEDULE = Schedule((Row(0, 0, NS_PER_MS, 10_000_000),))
#: A burst takes a tenth of a second: far longer than this queue is to be.
EAGER = {"ecn": 1, "target": NS_PER_MS // 10, "interval": NS_PER_MS}
PLAN = LinkPlan("leo-0", SCHEDULE, SCHEDULE, queue=Queue("codel", Capacity("packets", 1000), EAGER), packets=True)
FRAMES = 100
LOGGED_MARK = 4
#: Of each family: what the ECN field is set and received with, and the server's address.
FAMILIES = {
    socket.AF_INET: (socket.IPPROTO_IP, socket.IP_TOS, socket.IP_RECVTOS, SERVER_IPV4),
    socket.AF_INET6: (socket.IPPROTO_IPV6, socket.IPV6_TCLASS, socket.IPV6_RECVTCLASS, SERVER_IPV6),
}


@pytest.fixture(params=["packet", "xdp"])
def io(request: pytest.FixtureRequest) -> Io:
    """The back end."""
    return cast(Io, request.param)


@pytest.fixture
def built(namespaces: LinkNamespaces, ledger: Ledger) -> Iterator[LinkNamespaces]:
    """The link's namespaces."""
    build(namespaces, PLAN, ledger)
    yield namespaces
    remove(namespaces, ledger)


@pytest.fixture
async def forwarder(ledger: Ledger, built: LinkNamespaces, io: Io) -> AsyncIterator[ForwarderClient]:
    """It carries the link by that back end."""
    client = await ForwarderClient.spawn(ledger, 1)
    try:
        assert (await client.add(0, built.link, PLAN, io=io)).startswith(io)
        yield client
    finally:
        await client.close()


def logged(forwarder: ForwarderClient) -> Counter[int]:
    """How many frames from the client have each value of the packet log's field `ecn`."""
    log = forwarder.packet_log(0)
    assert log is not None
    at = list(FIELDS).index("flags")
    return Counter(
        values[at] for way, records, _ in log.read_new() if way == "up" for values in RECORD.iter_unpack(records)
    )


async def settled(forwarder: ForwarderClient) -> HalfStats:
    """What the direction up has counted once all frames are through."""
    async with asyncio.timeout(20):
        while (up := forwarder.read(0).up).arrived_packets < FRAMES or up.inside_packets:
            assert 0 == up.unaccounted_packets
            await asyncio.sleep(0)
    return up


def send_datagrams(namespaces: LinkNamespaces, family: socket.AddressFamily, ecn: int) -> None:
    """A burst from a socket of the client to one of the server."""
    level, option, _, address = FAMILIES[family]
    with open_socket(namespaces.client, family, socket.SOCK_DGRAM) as client:
        client.setsockopt(level, option, ecn)
        for _ in range(FRAMES):
            client.sendto(bytes(1000), (address, 4000))


def received(server: socket.socket) -> Counter[int]:
    """How many datagrams came with each value of the ECN field."""
    found: Counter[int] = Counter()
    server.setblocking(False)
    while True:
        try:
            _, ancillary, _, _ = server.recvmsg(2000, 64)
        except BlockingIOError:
            return found
        ((_, _, value),) = ancillary
        found[(value[0] if len(value) == 1 else struct.unpack("=i", value)[0]) & 3] += 1


def open_server(namespaces: LinkNamespaces, family: socket.AddressFamily) -> socket.socket:
    """A socket that tells the ECN field of what it receives."""
    level, _, option, _ = FAMILIES[family]
    server: Any = open_socket(namespaces.server, family, socket.SOCK_DGRAM)
    server.setsockopt(level, option, 1)
    server.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 1 << 20)  # it is read only when all have come
    server.bind(("", 4000))
    return cast(socket.socket, server)


@pytest.mark.parametrize("family", FAMILIES)
async def test_the_kernel_receives_as_many_marks_as_were_set(
    forwarder: ForwarderClient, built: LinkNamespaces, family: socket.AddressFamily
) -> None:
    """Every datagram that may be marked arrives, with a header that the kernel finds right; none is dropped."""
    with open_server(built, family) as server:
        send_datagrams(built, family, ECT_0)
        up = await settled(forwarder)
        found = received(server)
    assert 10 < up.ce_marked_packets < FRAMES
    assert {CE: up.ce_marked_packets, ECT_0: FRAMES - up.ce_marked_packets} == found
    assert 0 == up.dropped
    assert {ECT_0 | LOGGED_MARK: found[CE], ECT_0: found[ECT_0]} == logged(forwarder)


@pytest.mark.parametrize("family", FAMILIES)
async def test_what_may_not_be_marked_is_dropped(
    forwarder: ForwarderClient, built: LinkNamespaces, family: socket.AddressFamily
) -> None:
    """As long as ECN is on, too; nobody receives CE who did not ask for it."""
    with open_server(built, family) as server:
        send_datagrams(built, family, NOT_ECT)
        up = await settled(forwarder)
        found = received(server)
    assert up.dropped_aqm_packets > 10
    assert {NOT_ECT: FRAMES - up.dropped_aqm_packets} == found
    assert 0 == up.ce_marked_packets


@pytest.mark.parametrize("tags", TAGS.values(), ids=TAGS)
async def test_frames_with_vlan_tags_are_marked_behind_them(
    forwarder: ForwarderClient, built: LinkNamespaces, tags: bytes
) -> None:
    """Also where the kernel took the tag out of the frame; fragments, too. Nothing else of a frame changes."""
    sent = frame(ipv4(ECT_0, offset=0x2000), tags) + bytes(900)
    ce = frame(ipv4(CE, offset=0x2000), tags) + bytes(900)
    with RawEnd(built.client, CLIENT_INTERFACE) as client, RawEnd(built.server, SERVER_INTERFACE) as server:
        for _ in range(FRAMES):
            client.send(sent)
        up = await settled(forwarder)
        found = Counter([(await server.receive()).data for _ in range(FRAMES)])
    assert {ce: up.ce_marked_packets, sent: FRAMES - up.ce_marked_packets} == found
    assert up.ce_marked_packets > 10
    assert 0 == checksum(ce[14 + len(tags) :][:20])
