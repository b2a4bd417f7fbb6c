"""The running kernel is the judge of super-frames: it divides and merges the same bytes as the core, into the same."""

from __future__ import annotations

import ctypes
import fcntl
import itertools
import socket
import struct
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

import pytest
from model.ip_frames import TAGS
from model.neighbours import CHANGES, CLOSING, FLOWS, SIZE, after
from model.transport_frames import ACK, CWR, ECE, FIN, NO_SUPER_FRAME, PSH, TCP, UDP, VIRTIO, Flow
from support.raw_end import SOL_PACKET, RawEnd

from plctl.agent.kernel.link_namespaces import (
    CLIENT_INTERFACE,
    LINK_CLIENT_INTERFACE,
    LinkNamespaces,
    build,
    open_socket,
    remove,
)
from plctl.agent.kernel.namespace import run_inside, show_network_in_sys
from plctl.agent.native import _core
from plctl.agent.ownership.ledger import Ledger
from plctl.common.base.units import NS_PER_S
from plctl.common.plan.run_plan import LinkPlan

PACKET_VNET_HDR = 15
ETH_P_ALL = 3
ETHTOOL_SGRO, SIOCETHTOOL = 0x2C, 0x8946
HOLD_S = 0.1  #: how long GRO waits for more
CASES_AT_ONCE = 4  #: half of the flows that GRO waits for where all have one hash (MAX_GRO_SKBS)
IPV4_OPTIONS = bytes([1] * 8)
TIMESTAMPS = bytes.fromhex("0101080a 00000001 00000002")


def extension(protocol: int) -> bytes:
    """A header with destination options."""
    return bytes([protocol, 0, 1, 4, 0, 0, 0, 0])


MANY_HEADERS = {
    f"{'TCP' if protocol == TCP else 'UDP'}, IPv{version}, {name}{', more headers' if more else ''}": Flow(
        version=version, protocol=protocol, tags=tags, tos=0x29, id=2**16 - 2, seq=2**32 - 2000, reserved=1,
        flags=ACK | ECE | CWR | PSH | FIN, ip_options=IPV4_OPTIONS if more and version == 4 else b"",
        extensions=extension(protocol) if more and version == 6 else b"", tcp_options=TIMESTAMPS if more else b"",
    )
    for version, protocol, (name, tags), more in itertools.product((4, 6), (TCP, UDP), TAGS.items(), (False, True))
}  # fmt: skip


@pytest.fixture
def built(namespaces: LinkNamespaces, plan: LinkPlan, ledger: Ledger) -> Iterator[LinkNamespaces]:
    """The link's namespaces, with all offloads off."""
    build(namespaces, plan, ledger)
    yield namespaces
    remove(namespaces, ledger)


def open_super_socket(netns: str, interface: str) -> socket.socket:
    """One that sends and receives virtio headers, too."""
    opened = open_socket(netns, socket.AF_PACKET, socket.SOCK_RAW)
    opened.setsockopt(SOL_PACKET, PACKET_VNET_HDR, 1)
    opened.bind((interface, ETH_P_ALL))
    return opened


async def test_the_kernel_divides_a_super_frame_into_the_same_bytes(built: LinkNamespaces) -> None:
    """Where the interface has no offload, segmentation and checksums are the kernel's own."""
    with RawEnd(built.link, LINK_CLIENT_INTERFACE) as wire, open_super_socket(built.client, CLIENT_INTERFACE) as sender:
        for name, flow in MANY_HEADERS.items():
            for size, length in ((1000, 3500), (1400, 2800), (7, 8), (1000, 900)):
                data, virtio = flow.super_frame((bytes(range(256)) * 14)[:length], size)
                print(name, size, length, flush=True)
                sender.send(virtio + data)
                count = _core.read_segments((data, virtio), False)["count"]
                made = [(await wire.receive()).data for _ in range(count)]
                assert made == [_core.cut_segment((data, virtio), i, False) for i in range(count)], name


@dataclass(frozen=True)
class Case:
    """Frames that a sender without segmentation sends; their checksums are partial."""

    name: str
    frames: tuple[tuple[bytes, bytes], ...]

    @classmethod
    def of(cls, name: str, *parts: tuple[Flow, int], size: int = SIZE) -> Self:
        """From flows, each with its bytes of payload."""
        frames: list[tuple[bytes, bytes]] = []
        for flow, length in parts:
            count = max(1, -(-length // size))
            pieces = [bytes([n] * min(size, length - n * size)) for n in range(count)]
            made = [flow.frame(piece, n=n, offset=n * size, last=n + 1 == count, partial=True)
                    for n, piece in enumerate(pieces)]  # fmt: skip
            frames += [(data, flow.virtio(0)) for data in made]
        return cls(name, tuple(frames))

    def merged(self) -> list[tuple[bytes, bytes]]:
        """What the core makes of them."""
        chosen = tuple((n, 0, False) for n in range(len(self.frames)))
        return [as_received(*made) for made in _core.join_segments(self.frames, chosen)]


def as_received(data: bytes, virtio: bytes) -> tuple[bytes, bytes]:
    """A frame as it may be compared: a single one complete; of headers not how many of their bytes are in one piece."""
    flags, kind, _, size, start, offset = VIRTIO.unpack(virtio)
    if kind:
        return data, VIRTIO.pack(flags, kind, 0, size, start, offset)
    return _core.cut_segment((data, virtio), 0, False), NO_SUPER_FRAME


def cases() -> Iterator[Case]:
    """Frames that follow each other, and frames that do not because of one thing; each of source ports of its own.

    Without UDP, which the kernel does not merge unasked, without VLAN tags, which it takes out, and without the one
    case in which it may merge and a virtio header cannot say how.
    """
    made = {name: (first, 2000, after(first, 2000, **changes), 2000) for name, (first, changes) in CHANGES.items()}
    made |= {name: (first, length, after(first, length), 2000) for name, (first, length) in CLOSING.items()}
    for name, first in FLOWS.items():
        for length, behind in ((1000, 1000), (3000, 2500), (1000, 10)):
            made[f"{name}, {length}, {behind}"] = (first, length, after(first, length), behind)
    ports = itertools.count(1000)
    for name, (first, length, second, behind) in made.items():
        if {first.protocol, second.protocol} == {TCP} and not first.tags and name != "a fixed ID":
            port = next(ports)
            before, following = (replace(flow, ports=(port, flow.ports[1])) for flow in (first, second))
            yield Case.of(name, (before, length), (following, behind))
    yield Case.of("more than IP allows", (Flow(ports=(999, 53)), 48 * 1400), size=1400)


def switch_gro_on(namespaces: LinkNamespaces) -> None:
    """On the interface that receives, whose GRO then waits for frames that follow."""

    def set_up() -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
            value = ctypes.create_string_buffer(struct.pack("II", ETHTOOL_SGRO, 1))
            request = struct.pack("16sP8x", LINK_CLIENT_INTERFACE.encode(), ctypes.addressof(value))
            fcntl.ioctl(any_socket, SIOCETHTOOL, request)
        show_network_in_sys()
        folder = Path("/sys/class/net", LINK_CLIENT_INTERFACE)
        (folder / "napi_defer_hard_irqs").write_text("1000")
        (folder / "gro_flush_timeout").write_text(str(round(HOLD_S * NS_PER_S)))

    run_inside(namespaces.link, set_up)


def source_port(made: tuple[bytes, bytes]) -> int:
    """By which frames of one case are known."""
    (port,) = struct.unpack_from("!H", made[0], _core.read_segments(made, False)["transport"])
    return int(port)


def payload_bytes(made: tuple[bytes, bytes]) -> int:
    """That a frame has; 1 if it has none, so that it counts."""
    return max(1, len(made[0]) - _core.read_segments(made, False)["head"])


def exchange(sender: socket.socket, receiver: socket.socket, batch: list[Case]) -> dict[int, list[tuple[bytes, bytes]]]:
    """What is received, by source port, of cases that are sent before GRO stops waiting; a busy machine is too slow."""
    for _ in range(20):
        begun = time.monotonic()
        for case in batch:
            for data, virtio in case.frames:
                sender.send(virtio + data)
        punctual = time.monotonic() - begun < HOLD_S / 2
        received: dict[int, list[tuple[bytes, bytes]]] = {}
        left = sum(payload_bytes(made) for case in batch for made in case.frames)
        while left > 0:
            got = receiver.recv(70000)
            made = got[VIRTIO.size :], got[: VIRTIO.size]
            received.setdefault(source_port(made), []).append(as_received(*made))
            left -= payload_bytes(made)
        if punctual:
            return received
    pytest.fail(f"twenty times {HOLD_S} s went by while a few frames were sent")


@pytest.mark.undisturbed  # GRO gives up what it holds when the CPU is taken for longer than it was told to wait
def test_the_kernel_merges_the_same_frames(built: LinkNamespaces) -> None:
    """GRO of an interface that is told to wait: what it hands over has the same bytes as the core's super-frames."""
    switch_gro_on(built)
    with (
        open_super_socket(built.link, LINK_CLIENT_INTERFACE) as receiver,
        open_super_socket(built.client, CLIENT_INTERFACE) as sender,
    ):
        receiver.settimeout(10)
        waiting = list(cases())
        while waiting:
            batch, waiting = waiting[:CASES_AT_ONCE], waiting[CASES_AT_ONCE:]
            received = exchange(sender, receiver, batch)
            for case in batch:
                assert (case.name, case.merged()) == (case.name, received[source_port(case.frames[0])])
