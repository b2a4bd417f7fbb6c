"""What queues read in headers and change there: ECN and flows, behind VLAN tags, in IPv4 and IPv6, and in fragments."""

from __future__ import annotations

import struct
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from model.ip_frames import CE, ECT_0, ECT_1, FRAGMENT, MACS, NOT_ECT, TAGS, TCP, UDP, checksum, frame, ipv4, ipv6

from plctl.agent.native import _core


def marked(sent: bytes) -> bytes:
    """What leaves a queue that marks it."""
    data = bytearray(sent)
    _core.mark_ce(data)
    return bytes(data)


def flow_of(packet: bytes, key: int = 1) -> int:
    return _core.read_headers(frame(packet), key)[1]


@pytest.mark.parametrize("tags", TAGS.values(), ids=TAGS)
@pytest.mark.parametrize("ecn", range(4))
def test_ecn_is_read_behind_tags(ecn: int, tags: bytes) -> None:
    """In both versions of IP, whatever the DSCP beside it."""
    for dscp in (0, 0b101110):
        assert ecn == _core.read_headers(frame(ipv4(dscp << 2 | ecn), tags), 1)[0]
        assert ecn == _core.read_headers(frame(ipv6(dscp << 2 | ecn), tags), 1)[0]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        MACS,
        MACS + b"\x08\x00",
        MACS + b"\x81\x00",
        frame(ipv4(ECT_0))[:33],
        frame(ipv6(ECT_0))[:53],
        MACS + b"\x88\xb5" + bytes(50),
        frame(bytes([0x44]) + ipv4(ECT_0)[1:]),
        MACS + b"\x08\x00" + ipv6(ECT_0),
    ],
)
def test_what_is_no_ip_packet_has_no_ecn_and_no_flow(data: bytes) -> None:
    """Other protocols, frames that are cut off, headers that are too short, an IP version that is not the frame's."""
    assert (NOT_ECT, 0) == _core.read_headers(data, 1)


@given(
    st.integers(0, 63), st.sampled_from([ECT_0, ECT_1]), st.sampled_from(sorted(TAGS.values())),
    st.integers(0, 2**16 - 1), st.sampled_from([b"", bytes(4), bytes(40)]),
)  # fmt: skip
def test_a_mark_leaves_the_ipv4_checksum_right(dscp: int, ecn: int, tags: bytes, identity: int, options: bytes) -> None:
    """The header with CE is the one that its sender would have made with CE: nothing else differs, for any checksum."""
    sent = ipv4(dscp << 2 | ecn, identity=identity, options=options)
    received = marked(frame(sent, tags))
    assert frame(ipv4(dscp << 2 | CE, identity=identity, options=options), tags) == received
    assert 0 == checksum(received[14 + len(tags) :][: 20 + len(options)])


@pytest.mark.parametrize("tags", TAGS.values(), ids=TAGS)
def test_a_mark_in_ipv6_changes_nothing_else(tags: bytes) -> None:
    """The other six bits of the traffic class and the flow label stay."""
    assert frame(ipv6(0b10111011), tags) == marked(frame(ipv6(0b10111010), tags))


@pytest.mark.parametrize("offset", [0x2000, 0x2064, 0x0064])
def test_fragments_are_marked_and_belong_to_one_flow(offset: int) -> None:
    """First, middle and last fragment; no part of a datagram is told from the others by what lies where ports would."""
    assert frame(ipv4(CE, offset=offset)) == marked(frame(ipv4(ECT_0, offset=offset)))
    assert flow_of(ipv4(offset=0x0064, ports=(5, 6))) == flow_of(ipv4(offset=offset))


def test_fragments_of_ipv6_belong_to_one_flow() -> None:
    """Behind the fragment header may be ports, or anything."""

    def fragment(offset: int) -> bytes:
        return ipv6(protocol=FRAGMENT)[:40] + bytes([UDP, 0, offset, 1, 0, 0, 0, 7]) + bytes([offset] * 8)

    assert flow_of(fragment(0)) == flow_of(fragment(8))


def test_flows_differ_in_any_part_of_their_tuple() -> None:
    """Addresses, protocol, either port; the same in both versions of IP."""
    for make in (ipv4, ipv6):
        tuples = [make(), make(source=9), make(protocol=TCP), make(ports=(1001, 53)), make(ports=(1000, 54))]
        flows = [flow_of(packet) for packet in tuples]
        assert all(a != b for a, b in combinations(flows, 2))
        assert flows == [flow_of(packet) for packet in tuples]


def test_flows_are_hashed_under_the_key() -> None:
    """Another seed puts flows elsewhere; nothing beside the tuple matters."""
    assert flow_of(ipv4(), key=1) != flow_of(ipv4(), key=2)
    assert flow_of(ipv4()) == flow_of(ipv4(ECT_0, identity=99, options=bytes(8)))


def test_ports_are_found_behind_ipv6_extension_headers() -> None:
    """Hop-by-hop options and a routing header are gone over."""

    def extended(port: int) -> bytes:
        headers = bytes([43, 0, *bytes(6)]) + bytes([UDP, 1, *bytes(14)])
        return ipv6(protocol=0)[:40] + headers + struct.pack("!HH", port, 53)

    assert flow_of(extended(1000)) == flow_of(ipv6(ports=(1000, 53)))
    assert flow_of(extended(1001)) == flow_of(ipv6(ports=(1001, 53)))
