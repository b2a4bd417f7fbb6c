"""Segments of different frames leave together where the kernel's GRO would have merged them, and nowhere else."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from model.neighbours import CHANGES, CLOSING, FLOWS, SIZE, after
from model.transport_frames import ACK, DATA_VALID, NO_SUPER_FRAME, PSH, UDP, VIRTIO, Flow

from plctl.agent.native import _core

Frame = tuple[bytes, bytes]


def joined(*frames: Frame) -> list[Frame]:
    """What leaves of frames, all of whose segments are due at once."""
    counts = [_core.read_segments(each, False)["count"] for each in frames]
    return _core.join_segments(frames, tuple((n, i, False) for n, count in enumerate(counts) for i in range(count)))


@pytest.mark.parametrize("flow", FLOWS.values(), ids=FLOWS)
@pytest.mark.parametrize(("before", "behind"), [(1000, 1000), (1000, 10), (3000, 4000), (1000, 2500), (7000, 1000)])
def test_what_a_sender_sent_in_parts_leaves_as_one(flow: Flow, before: int, behind: int) -> None:
    """Single frames and super-frames, in any combination, as long as all before the last segment are full."""
    first, second = bytes([1]) * before, bytes([2]) * behind
    made = joined(flow.super_frame(first, SIZE), after(flow, before).super_frame(second, SIZE))
    assert [flow.super_frame(first + second, SIZE)] == made


#: Segments of each frame of a chain that is no longer than a super-frame may be, whatever its last one has beside them.
CHAINS = st.lists(st.integers(1, 6), min_size=1, max_size=12).filter(lambda parts: sum(parts) * SIZE + SIZE <= 65000)


@given(CHAINS, st.integers(0, SIZE - 1))
@example([5] + [6] * 9 + [5], SIZE - 1)
def test_a_long_chain_leaves_as_one(parts: list[int], rest: int) -> None:
    """Of many frames, none marked, the flags of the last at its end."""
    flow, sent, frames = Flow(), 0, []
    for n, part in enumerate(parts):
        length, last = part * SIZE, n + 1 == len(parts)
        length += rest if last else 0
        frames.append(after(flow, sent, flags=ACK | PSH * last).super_frame(bytes([n]) * length, SIZE))
        sent += length
    payload = b"".join(bytes([n]) * (part * SIZE) for n, part in enumerate(parts)) + bytes([len(parts) - 1]) * rest
    assert [replace(flow, flags=ACK | PSH).super_frame(payload, SIZE)] == joined(*frames)


@pytest.mark.parametrize(("flow", "changes"), CHANGES.values(), ids=CHANGES)
def test_what_differs_in_its_headers_leaves_apart(flow: Flow, changes: dict[str, Any]) -> None:
    """Each as it came."""
    first, second = flow.super_frame(bytes(2000), SIZE), after(flow, 2000, **changes).super_frame(bytes(2000), SIZE)
    assert [first, second] == joined(first, second)


@pytest.mark.parametrize(("flow", "length"), CLOSING.values(), ids=CLOSING)
def test_nothing_follows_what_ends_a_super_frame(flow: Flow, length: int) -> None:
    """Though it would be next in order."""
    first, second = flow.super_frame(bytes(length), SIZE), after(flow, length).super_frame(bytes(2000), SIZE)
    assert [first, second] == joined(first, second)


def test_a_larger_segment_does_not_follow() -> None:
    """A super-frame of another size, nor a single frame longer than the segments before it."""
    first = Flow().super_frame(bytes(2000), SIZE)
    for length, size in ((3600, 1200), (1001, 1001)):
        second = after(Flow(), 2000).super_frame(bytes(length), size)
        assert [first, second] == joined(first, second)


def test_smaller_segments_of_a_super_frame_do_not_all_follow() -> None:
    """The first of them may end the super-frame before it; the others are one of their own."""
    second = after(Flow(), 2000)
    expected = [
        Flow().super_frame(bytes(2500), SIZE),
        replace(second, seq=2501, id=second.id + 1).super_frame(bytes(1000), 500),
    ]
    assert expected == joined(Flow().super_frame(bytes(2000), SIZE), second.super_frame(bytes(1500), 500))


def test_a_super_frame_is_no_longer_than_ip_allows() -> None:
    """65535 bytes with its headers; what does not fit begins another."""
    first, second = Flow().super_frame(bytes(60000), SIZE), after(Flow(), 60000).super_frame(bytes(6000), SIZE)
    one, two = joined(first, second)
    assert Flow().super_frame(bytes(65000), SIZE) == one
    assert after(Flow(), 65000).super_frame(bytes(1000), SIZE) == two


def test_no_more_datagrams_are_merged_than_gro_merges() -> None:
    """64; TCP has no such limit."""
    for flow, most in ((Flow(protocol=UDP), 64), (Flow(), 100)):
        frames = [replace(flow, id=n, seq=n * 100).super_frame(bytes(100), 100) for n in range(100)]
        counts = [_core.read_segments(each, False)["count"] for each in joined(*frames)]
        assert [most, 100 - most][: len(counts)] == counts


def test_a_checksum_that_nobody_has_looked_at_is_left_alone() -> None:
    """It may be wrong, and a merged frame would hide that; what the kernel found right is merged."""
    valid = VIRTIO.pack(DATA_VALID, 0, 0, 0, 0, 0)
    data = [Flow().frame(bytes(SIZE)), after(Flow(), SIZE).frame(bytes(SIZE))]
    unknown = [(each, NO_SUPER_FRAME) for each in data]
    assert unknown == joined(*unknown)
    assert [Flow().super_frame(bytes(2 * SIZE), SIZE)] == joined(*((each, valid) for each in data))


def test_a_single_frame_with_a_wrong_ip_header_leaves_as_it_came() -> None:
    """Merged, its header would get a right checksum; a super-frame's segments have a new one either way."""
    frames = [Flow().super_frame(bytes(SIZE), SIZE), after(Flow(), SIZE).super_frame(bytes(SIZE), SIZE)]
    (data, virtio), wrong = frames[1], bytearray(frames[1][0])
    wrong[24] ^= 1
    assert [frames[0], (bytes(wrong), virtio)] == joined(frames[0], (bytes(wrong), virtio))
    assert [Flow().super_frame(bytes(2 * SIZE), SIZE)] == joined(frames[0], (data, virtio))


def test_datagrams_without_checksums_stay_so() -> None:
    """A super-frame would give them some."""
    flow = Flow(protocol=UDP)
    frames = []
    for n in range(2):
        data = bytearray(replace(flow, id=n).frame(bytes(SIZE)))
        data[40:42] = bytes(2)
        frames.append((bytes(data), VIRTIO.pack(DATA_VALID, 0, 0, 0, 0, 0)))
    assert [(data, NO_SUPER_FRAME) for data, _ in frames] == joined(*frames)
