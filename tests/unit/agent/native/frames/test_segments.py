"""Super-frames divide into the frames that their sender's segmentation makes, built here from their fields."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from model.ip_frames import CE, TAGS, frame, ipv4
from model.transport_frames import (
    ACK,
    CWR,
    DATA_VALID,
    ECE,
    FIN,
    GSO_NONE,
    GSO_TCPV4,
    GSO_TCPV6,
    GSO_UDP,
    GSO_UDP_L4,
    NEEDS_CSUM,
    NO_SUPER_FRAME,
    PSH,
    TCP,
    UDP,
    VIRTIO,
    Flow,
)

from plctl.agent.native import _core

OPAQUE, OF_TCP, OF_UDP = range(3)
TIMESTAMPS = bytes.fromhex("0101080a 00000001 00000002")
EXTENSION = {TCP: bytes([TCP, 0, 1, 4, 0, 0, 0, 0]), UDP: bytes([UDP, 0, 1, 4, 0, 0, 0, 0])}


@st.composite
def flows(draw: st.DrawFn) -> Flow:
    """Any flow whose segments GSO makes."""
    version, protocol = draw(st.sampled_from([4, 6])), draw(st.sampled_from([TCP, UDP]))
    number = st.integers(0, 2**16 - 1)
    return Flow(
        version=version, protocol=protocol, tags=draw(st.sampled_from(sorted(TAGS.values()))),
        tos=draw(st.integers(0, 255)), id=draw(number), dont_fragment=draw(st.booleans()),
        ports=(draw(number), draw(number)),
        ip_options=draw(st.sampled_from([b"", bytes([1] * 40)])) if version == 4 else b"",
        extensions=draw(st.sampled_from([b"", EXTENSION[protocol]])) if version == 6 else b"",
        seq=draw(st.integers(0, 2**32 - 1)), ack=draw(st.integers(0, 2**32 - 1)), window=draw(number),
        flags=ACK | draw(st.integers(0, 255)), reserved=draw(st.integers(0, 15)),
        tcp_options=draw(st.sampled_from([b"", TIMESTAMPS, bytes([1] * 40)])),
    )  # fmt: skip


@st.composite
def payloads(draw: st.DrawFn) -> tuple[bytes, int]:
    """One, and how much of it each segment has; a few segments."""
    size = draw(st.sampled_from([7, 536, 1448, 8948]))
    length = draw(st.integers(1, 7 * size))
    return (draw(st.binary(min_size=5, max_size=9)) * length)[:length], size


@given(flows(), payloads())
def test_segments_are_those_that_their_fields_make(flow: Flow, load: tuple[bytes, int]) -> None:
    """Each cut out alone: IP's length, ID and checksum, TCP's sequence and flags, UDP's length, all checksums."""
    payload, size = load
    made = flow.super_frame(payload, size)
    found = _core.read_segments(made, False)
    expected = flow.segments(payload, size)
    assert (len(expected), flow.head) == (found["count"], found["head"])
    cut = [_core.cut_segment(made, i, False) for i in range(found["count"])]
    assert expected == ([one_zero(flow, cut[0])] if len(cut) == 1 else cut)


@given(flows(), payloads(), st.data())
def test_a_range_leaves_as_the_super_frame_of_its_bytes(
    flow: Flow, load: tuple[bytes, int], data: st.DataObject
) -> None:
    """Wherever it begins and ends, one segment too; CWR is in the first, FIN and PSH in the last."""
    payload, size = load
    made = flow.super_frame(payload, size)
    count = _core.read_segments(made, False)["count"]
    first = data.draw(st.integers(0, count - 1))
    end = data.draw(st.integers(first + 1, count))
    piece = payload[first * size : end * size]
    rest = replace(flow, flags=flow.flags & ~(CWR if first else 0))
    expected = rest.frame(piece, n=first, offset=first * size, last=end == count, partial=True)
    chosen = tuple((0, i, False) for i in range(first, end))
    assert [(expected, rest.virtio(size if end - first > 1 else 0))] == _core.join_segments((made,), chosen)


@given(flows(), payloads(), st.data())
def test_marked_segments_leave_apart(flow: Flow, load: tuple[bytes, int], data: st.DataObject) -> None:
    """What leaves is marked as a whole or not at all, and its bytes are those of a sender that had set CE."""
    payload, size = load
    made = flow.super_frame(payload, size)
    count = _core.read_segments(made, False)["count"]
    marks = data.draw(st.lists(st.booleans(), min_size=count, max_size=count))
    joined = _core.join_segments((made,), tuple((0, i, marks[i]) for i in range(count)))
    sent = [one_zero(flow, segment) for each in joined for segment in whole(each)]
    plain, marked = (replace(flow, tos=tos).segments(payload, size) for tos in (flow.tos, flow.tos | CE))
    assert [marked[i] if marks[i] else plain[i] for i in range(count)] == sent
    assert sent == [one_zero(flow, _core.cut_segment(made, i, marks[i])) for i in range(count)]


def one_zero(flow: Flow, data: bytes) -> bytes:
    """The frame, a TCP checksum of 0 written as 0: a frame that is one segment is given the other form, as by Linux."""
    at = flow.transport + flow.csum_offset
    return data[:at] + bytes(2) + data[at + 2 :] if flow.protocol == TCP and data[at : at + 2] == b"\xff\xff" else data


def whole(made: tuple[bytes, bytes]) -> list[bytes]:
    """The segments of a frame that left."""
    return [_core.cut_segment(made, i, False) for i in range(_core.read_segments(made, False)["count"])]


@given(flows(), payloads())
def test_a_tag_that_is_put_in_again_moves_everything(flow: Flow, load: tuple[bytes, int]) -> None:
    """As if the frame had been read with it."""
    payload, size = load
    tagged = replace(flow, tags=TAGS["tagged"] + flow.tags)
    untagged = _core.read_segments(flow.super_frame(payload, size), True)
    assert _core.read_segments(tagged.super_frame(payload, size), False) == untagged


def test_ecn_flags_stay_where_they_belong() -> None:
    """ECE and AE in every segment, CWR in the first."""
    flow = Flow(flags=ACK | ECE | CWR | PSH | FIN, reserved=1)
    sent = [_core.cut_segment(flow.super_frame(bytes(3000), 1000), i, False)[46:48] for i in range(3)]
    assert [bytes([0x51, ACK | ECE | CWR]), bytes([0x51, ACK | ECE]), bytes([0x51, ACK | ECE | PSH | FIN])] == sent


@pytest.mark.parametrize("protocol", [TCP, UDP])
def test_a_checksum_that_no_header_asks_for_is_made(protocol: int) -> None:
    """A super-frame with a complete checksum, as from a driver that had merged it: the kernel makes them all anew."""
    flow = Flow(protocol=protocol)
    _, kind, head, size, _, _ = VIRTIO.unpack(flow.virtio(1000))
    made = (flow.frame(bytes(3000)), VIRTIO.pack(DATA_VALID, kind, head, size, 0, 0))
    assert flow.segments(bytes(3000), 1000) == [_core.cut_segment(made, i, False) for i in range(3)]


@pytest.mark.parametrize(
    "made",
    [
        (b"", b""),
        (bytes(14), NO_SUPER_FRAME),
        (frame(ipv4()), b""),
        (Flow().frame(b"whole"), NO_SUPER_FRAME),
        (Flow().frame(b"partial", partial=True), Flow().virtio(0)),
        (Flow().frame(b"padded") + bytes(20), NO_SUPER_FRAME),
        (Flow().frame(bytes(2000))[:1000], NO_SUPER_FRAME),
        (Flow(protocol=UDP).frame(b"", partial=True), Flow(protocol=UDP).virtio(0)),
        (frame(ipv4(offset=0x2000)), NO_SUPER_FRAME),
        (frame(ipv4(protocol=47)) + bytes(40), VIRTIO.pack(NEEDS_CSUM, GSO_NONE, 0, 0, 40, 16)),
    ],
)
def test_what_is_no_super_frame_leaves_as_it_came(made: tuple[bytes, bytes]) -> None:
    """With its padding, its partial checksum wherever that is, and whatever else is unusual about it."""
    assert 1 == _core.read_segments(made, False)["count"]
    assert [(made[0], made[1] or NO_SUPER_FRAME)] == _core.join_segments((made,), ((0, 0, False),))


def test_a_partial_checksum_of_any_protocol_is_completed() -> None:
    """Also inside a tunnel, of which segments know nothing."""
    inner = Flow().frame(b"inside a tunnel", partial=True)[14:]
    tunnel = frame(ipv4(protocol=4))[:34]
    start = len(tunnel) + 20
    made = (tunnel + inner, VIRTIO.pack(NEEDS_CSUM, GSO_NONE, 0, 0, start, 16))
    assert tunnel + Flow().frame(b"inside a tunnel")[14:] == _core.cut_segment(made, 0, False)


GOOD = (NEEDS_CSUM, GSO_TCPV4, 54, 1000, 34, 16)


@pytest.mark.parametrize(
    "changes",
    [
        {1: GSO_UDP}, {1: GSO_TCPV6}, {1: GSO_UDP_L4}, {1: 99}, {3: 0}, {3: 1}, {4: 33}, {4: 60000}, {5: 6},
    ],
)  # fmt: skip
def test_a_contradictory_virtio_header_is_refused(changes: dict[int, int]) -> None:
    """Another protocol's type, no size, too many segments, a checksum that is not TCP's."""
    data = Flow().frame(bytes(3000), partial=True)
    assert 3 == _core.read_segments((data, VIRTIO.pack(*GOOD)), False)["count"]
    with pytest.raises(ValueError, match="contradict"):
        _core.read_segments((data, VIRTIO.pack(*(changes.get(i, value) for i, value in enumerate(GOOD)))), False)


@pytest.mark.parametrize("at", [12, 14, 16, 17, 20, 21, 23, 46])
def test_a_super_frame_whose_headers_are_wrong_is_refused(at: int) -> None:
    """EtherType, IP version, length, fragment, protocol, TCP's length: whichever byte is another."""
    data = bytearray(Flow().frame(bytes(3000), partial=True))
    data[at] = 0x21 if at != 46 else 0x40
    with pytest.raises(ValueError, match="contradict"):
        _core.read_segments((bytes(data), VIRTIO.pack(*GOOD)), False)


@st.composite
def hostile_frames(draw: st.DrawFn) -> tuple[bytes, bytes]:
    """A frame cut off anywhere, with bytes changed, and a virtio header that may be anything."""
    flow = draw(flows())
    data = bytearray(flow.frame(draw(st.binary(max_size=300)), partial=True)[: draw(st.integers(0, 400))])
    for _ in range(draw(st.integers(0, 4)) if data else 0):
        data[draw(st.integers(0, len(data) - 1))] = draw(st.integers(0, 255))
    words = [draw(st.integers(0, 2 ** (8 * bytes_) - 1)) for bytes_ in (1, 1, 2, 2, 2, 2)]
    return bytes(data), draw(st.sampled_from([flow.virtio(100), VIRTIO.pack(*words)]))


@given(hostile_frames())
def test_hostile_headers_have_one_answer(made: tuple[bytes, bytes]) -> None:
    """Refused; or as many segments as make up the payload, each within the frame."""
    data, _ = made
    try:
        found = _core.read_segments(made, False)
    except ValueError:
        return
    sent = _core.join_segments((made,), tuple((0, i, False) for i in range(found["count"])))
    cut = [_core.cut_segment(made, i, False) for i in range(found["count"])]
    assert len(data) - found["head"] == sum(len(each) - found["head"] for each in cut)
    assert data[found["head"] :] == b"".join(each[0][found["head"] :] for each in sent)
