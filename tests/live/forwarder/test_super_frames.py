"""Super-frames of this machine's kernel on a real link: what is sent, what the log says and what arrives agree."""

from __future__ import annotations

import asyncio
import hashlib
import random
import socket
import struct
import threading
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial

import pytest
from model.ip_frames import TAGS
from model.tcp_flows import ask_for_ecn
from model.transport_frames import Flow
from support.raw_end import AUXDATA, ETH_P_ALL, PACKET_AUXDATA, SO_RCVBUFFORCE, SOL_PACKET, VLAN_VALID

from plctl.agent.forwarder.client import ForwarderClient
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
from plctl.agent.native import _core
from plctl.agent.ownership.ledger import Ledger
from plctl.agent.watch.ends_watch import EndsWatch, finish
from plctl.agent.watch.listener import Listener
from plctl.common.base.units import NS_PER_MS, NS_PER_S, NS_PER_US
from plctl.common.plan.run_plan import Capacity, LinkPlan, Queue
from plctl.common.reference.logged_frame import LoggedFrame, read_records
from plctl.common.reference.replay import replay
from plctl.common.scenario.schedule import Direction, Row, Schedule
from plctl.common.telemetry.samples import LinkStats
from plctl.common.telemetry.witness import InterfaceWatch

SEED = 5
PORT = 5400
BYTES = 2_000_000
PACKET_VNET_HDR, PACKET_OUTGOING = 15, 4
UDP_SEGMENT = 103
VIRTIO_BYTES = 10
#: A bottleneck that drops, and a path that does everything else that a path can do.
ROW = Row(0, 0, 2 * NS_PER_MS, 300_000_000, loss_ppb=3_000_000, duplicate_ppb=2_000_000, corrupt_ppb=2_000_000)
PLAN = LinkPlan(
    "leo-0", Schedule((ROW,)), Schedule((Row(0, 0, NS_PER_MS, 300_000_000),)),
    queue=Queue(capacity=Capacity("packets", 60)), packets=True, offload="on", coalesce_ns=100 * NS_PER_US,
)  # fmt: skip


class Tap:
    """What passes one interface, with virtio headers: all that leaves it, or all that comes to it."""

    def __init__(self, netns: str, interface: str, *, outgoing: bool) -> None:
        self._outgoing = outgoing
        self._socket = open_socket(netns, socket.AF_PACKET, socket.SOCK_RAW)
        self._socket.setsockopt(SOL_PACKET, PACKET_VNET_HDR, 1)
        self._socket.setsockopt(SOL_PACKET, PACKET_AUXDATA, 1)
        self._socket.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 128 << 20)
        self._socket.bind((interface, ETH_P_ALL))
        self._socket.setblocking(False)

    def wire(self) -> list[bytes]:
        """The frames that passed, super-frames divided, each with its checksums complete and its VLAN tag in place."""
        found = []
        while True:
            try:
                data, ancillary, _, sender = self._socket.recvmsg(2**17, 256)
            except BlockingIOError:
                return found
            if (sender[2] == PACKET_OUTGOING) == self._outgoing:
                frame = data[VIRTIO_BYTES:], data[:VIRTIO_BYTES]
                count = _core.read_segments(frame, False)["count"]
                found += [_tagged(_core.cut_segment(frame, n, False), ancillary) for n in range(count)]

    def close(self) -> None:
        """See no more."""
        self._socket.close()


def _tagged(frame: bytes, ancillary: list[tuple[int, int, bytes]]) -> bytes:
    for _, kind, value in ancillary:
        if kind == PACKET_AUXDATA:
            status, _, _, _, _, tci, tpid = AUXDATA.unpack(value)
            if status & VLAN_VALID:
                return frame[:12] + struct.pack("!HH", tpid, tci) + frame[12:]
    return frame


@dataclass
class Seen:
    """What came of a transfer from the client to the server."""

    sent: list[bytes]  #: frames that the client's interface sent
    received: list[bytes]  #: frames that the server's got
    stats: LinkStats
    books: InterfaceWatch
    t0_ns: int
    records: dict[Direction, bytes] = field(default_factory=lambda: {"up": b"", "down": b""})

    def logged(self, direction: Direction) -> list[LoggedFrame]:
        """The log, in the order of writing."""
        return list(read_records(self.records[direction]))


async def carry(ledger: Ledger, namespaces: LinkNamespaces, plan: LinkPlan, transfer: Callable[[], None]) -> Seen:
    """Let `transfer` happen over a link that has been built."""
    forwarder = await ForwarderClient.spawn(ledger, 1)
    listener = Listener()
    taps = [
        Tap(namespaces.client, CLIENT_INTERFACE, outgoing=True),
        Tap(namespaces.server, SERVER_INTERFACE, outgoing=False),
    ]
    try:
        assert "super-frames" == await forwarder.add(0, namespaces.link, plan, seed=SEED)
        with closing(EndsWatch(namespaces, partial(forwarder.read, 0), listener, lambda _: None, plan)) as watch:
            t0_ns = time.monotonic_ns() + NS_PER_S // 50
            await forwarder.arm([0], t0_ns)
            await asyncio.to_thread(transfer)
            async with asyncio.timeout(10):
                while (stats := forwarder.read(0)).up.inside_packets or stats.down.inside_packets:
                    await asyncio.sleep(0.01)
            finish([watch])
            seen = Seen(taps[0].wire(), taps[1].wire(), forwarder.read(0), watch.result(), t0_ns)
        log = forwarder.packet_log(0)
        assert log
        while new := list(log.read_new()):
            for direction, records, *_ in new:
                seen.records[direction] += records
        return seen
    finally:
        listener.close()
        await forwarder.close()
        for tap in taps:
            tap.close()


def send_by_tcp(namespaces: LinkNamespaces, family: socket.AddressFamily, address: str) -> None:
    """Random bytes; what the server reads is what the client wrote."""
    data = random.Random(SEED).randbytes(BYTES)  # not for secrets
    digest = hashlib.sha256()

    def take_in(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        with connection:
            while piece := connection.recv(2**18):
                digest.update(piece)

    with open_socket(namespaces.server, family, socket.SOCK_STREAM) as listener:
        listener.bind(("", PORT))
        listener.listen()
        server = threading.Thread(target=take_in, args=(listener,))
        server.start()
        with open_socket(namespaces.client, family, socket.SOCK_STREAM) as sender:
            sender.connect((address, PORT))
            sender.sendall(data)
        server.join()
    assert hashlib.sha256(data).digest() == digest.digest()


def send_by_udp(namespaces: LinkNamespaces) -> None:
    """Datagrams of 1200 bytes that the kernel sends as one, as QUIC has it."""
    with (
        open_socket(namespaces.server, socket.AF_INET, socket.SOCK_DGRAM) as receiver,
        open_socket(namespaces.client, socket.AF_INET, socket.SOCK_DGRAM) as sender,
    ):
        receiver.bind(("", PORT))
        sender.setsockopt(socket.IPPROTO_UDP, UDP_SEGMENT, 1200)
        sender.connect((SERVER_IPV4, PORT))
        for number in range(30):
            sender.send(random.Random(number).randbytes(1200 * 20 + number))  # not for secrets


def send_tagged(namespaces: LinkNamespaces) -> None:
    """Super-frames with one VLAN tag and with two, as no device is there to make them."""
    with open_socket(namespaces.client, socket.AF_PACKET, socket.SOCK_RAW) as sender:
        sender.setsockopt(SOL_PACKET, PACKET_VNET_HDR, 1)
        sender.bind((CLIENT_INTERFACE, ETH_P_ALL))
        for number in range(60):
            flow = Flow(version=(4, 6)[number % 2], tags=TAGS["QinQ" if number % 3 == 0 else "tagged"], id=number)
            frame, virtio = flow.super_frame(random.Random(number).randbytes(30_000), 1400)  # no secret
            sender.send(virtio + frame)


def flipped(frame: bytes, bit: int | None) -> bytes:
    """With that bit of those behind the Ethernet header changed."""
    if bit is None:
        return frame
    changed = bytearray(frame)
    changed[14 + bit // 8] ^= 0x80 >> bit % 8
    return bytes(changed)


def assert_true_to_the_log(plan: LinkPlan, seen: Seen) -> None:
    """The log is that of the reference; what arrived is what was sent and the log lets through, byte for byte."""
    for direction in ("up", "down"):
        log = seen.logged(direction)
        found = replay(plan, direction, SEED, seen.t0_ns, log)
        assert (0, (), len(log)) == (found.different, found.differences, found.compared)
    up = seen.logged("up")
    assert {number: len(frame) for number, frame in enumerate(seen.sent, 1)} == {
        each.number: each.length for each in up
    }
    expected = [flipped(seen.sent[each.number - 1], each.fate.bit) for each in up if not each.fate.verdict]
    assert expected == seen.received
    for passage in seen.books.passages:
        assert (0, 0) == (passage.missing_in, passage.missing_out)
    assert seen.books.settled
    assert [] == [change for change in seen.books.changes if change.falsifies]
    assert 0 == seen.stats.up.lost + seen.stats.down.lost


@pytest.mark.parametrize("kind", ["IPv4", "IPv6", "jumbo"])
async def test_tcp_crosses_a_bad_path_byte_for_byte(ledger: Ledger, namespaces: LinkNamespaces, kind: str) -> None:
    """Losses, copies, flipped bits and a full queue cut super-frames where they must; what was sent is read."""
    plan = PLAN if kind != "jumbo" else _jumbo()
    build(namespaces, plan, ledger)
    try:
        family, address = (socket.AF_INET6, SERVER_IPV6) if kind == "IPv6" else (socket.AF_INET, SERVER_IPV4)
        seen = await carry(ledger, namespaces, plan, partial(send_by_tcp, namespaces, family, address))
    finally:
        remove(namespaces, ledger)
    assert_true_to_the_log(plan, seen)
    up = seen.stats.up
    assert min(up.dropped_random_loss_packets, up.duplicated_packets, up.corrupted_packets) > 0
    assert up.in_as_counted < up.arrived_packets * 0.7
    assert up.out_as_counted < up.delivered_packets * 0.9
    assert up.arrived_bytes == sum(map(len, seen.sent))


def _jumbo() -> LinkPlan:
    rows = Schedule((Row(0, 0, 2 * NS_PER_MS, 300_000_000, loss_ppb=10**7, duplicate_ppb=10**7, corrupt_ppb=10**7),))
    return LinkPlan("leo-0", rows, PLAN.down, mtu=9000, packets=True, offload="on", coalesce_ns=500 * NS_PER_US)


async def test_datagrams_that_were_sent_as_one_are_told_apart(ledger: Ledger, namespaces: LinkNamespaces) -> None:
    """UDP segmentation offload, which QUIC senders use."""
    build(namespaces, PLAN, ledger)
    try:
        seen = await carry(ledger, namespaces, PLAN, partial(send_by_udp, namespaces))
    finally:
        remove(namespaces, ledger)
    assert_true_to_the_log(PLAN, seen)
    assert 600 <= seen.stats.up.arrived_packets <= 700
    assert 30 <= seen.stats.up.in_as_counted <= 40


async def test_super_frames_with_vlan_tags_are_told_apart(ledger: Ledger, namespaces: LinkNamespaces) -> None:
    """The kernel takes the outer tag out before anybody sees the frame; each segment has it again."""
    build(namespaces, PLAN, ledger)
    try:
        seen = await carry(ledger, namespaces, PLAN, partial(send_tagged, namespaces))
    finally:
        remove(namespaces, ledger)
    assert_true_to_the_log(PLAN, seen)
    assert 60 * 22 == seen.stats.up.arrived_packets
    assert 60 == seen.stats.up.in_as_counted
    assert {tags[:2] for tags in TAGS.values() if tags} == {frame[12:14] for frame in seen.sent}


async def test_a_segment_that_the_queue_marks_is_marked_alone(ledger: Ledger, namespaces: LinkNamespaces) -> None:
    """What the link marked is what the receiver's kernel counted as CE, segment by segment."""
    rows = Schedule((Row(0, 0, NS_PER_MS, 100_000_000),))
    eager = Queue("codel", Capacity("packets", 1000), {"ecn": 1, "target": NS_PER_MS, "interval": 10 * NS_PER_MS})
    plan = LinkPlan("leo-0", rows, rows, queue=eager, packets=True, offload="on")
    build(namespaces, plan, ledger)
    try:
        ask_for_ecn(namespaces)
        seen = await carry(ledger, namespaces, plan, partial(send_by_tcp, namespaces, socket.AF_INET, SERVER_IPV4))
    finally:
        remove(namespaces, ledger)
    for direction in ("up", "down"):
        found = replay(plan, direction, SEED, seen.t0_ns, seen.logged(direction))
        assert (0, ()) == (found.different, found.differences)
    marked = [each for each in seen.logged("up") if each.fate.marked]
    assert seen.stats.up.ce_marked_packets == len(marked) > 0
    assert sum(frame[15] & 3 == 3 for frame in seen.received) == len(marked)
