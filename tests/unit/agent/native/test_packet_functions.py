"""What the packet path decides from numbers and bytes alone: times of arrival, and which frame starts a scenario."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plctl.agent.native import _core
from plctl.common.base.units import NS_PER_MS, NS_PER_S

HOUR = 3600 * NS_PER_S
EARLIEST, LATEST = 50 * NS_PER_S, 51 * NS_PER_S
MACS = bytes(12)
UDP4 = MACS + bytes.fromhex("0800") + bytes([0x45, *[0] * 8, 17, *[0] * 10])
TCP6 = MACS + bytes.fromhex("86dd") + bytes([0x60, *[0] * 5, 6, 64, *[0] * 32])


def readings(offset: int, begin: int, delays: list[tuple[int, int]]) -> list[tuple[int, int, int]]:
    """Readings of a wall clock that is `offset` ahead, a millisecond apart, each interrupted before and behind."""
    return [
        (at, at + before + offset, at + before + behind)
        for number, (before, behind) in enumerate(delays)
        for at in [begin + number * NS_PER_MS]
    ]


interruptions = st.lists(st.tuples(st.integers(0, NS_PER_S), st.integers(0, NS_PER_S)), max_size=5)


class TestWallArrival:
    """A wall-clock stamp becomes a monotonic time."""

    @given(st.integers(0, LATEST), st.integers(-HOUR, 2**60), interruptions)
    def test_a_stamp_is_exact_however_long_ago_and_however_late_the_clocks_were_read(
        self, truth: int, offset: int, delays: list[tuple[int, int]]
    ) -> None:
        """One good reading of the clocks is enough: no stall moves an arrival, as long as nobody sets a clock."""
        known = readings(offset, 0, [(0, 0), *delays])
        assert (truth, 0) == _core.wall_arrival(tuple(known), truth + offset, EARLIEST, LATEST)

    @given(
        st.integers(EARLIEST, LATEST),
        st.integers(EARLIEST, LATEST),
        st.sampled_from([-1, 1]),
        st.integers(2 * NS_PER_S, HOUR),
    )
    def test_setting_the_clock_by_more_than_a_stall_moves_no_arrival(
        self, truth: int, set_at: int, sign: int, step: int
    ) -> None:
        """A frame that waited while the clock was set is recognised as stamped before or after."""
        known = (*readings(0, EARLIEST - NS_PER_MS, [(0, 0)]), *readings(sign * step, LATEST, [(0, 0)]))
        stamp = truth if truth <= set_at else truth + sign * step
        assert (truth, 0) == _core.wall_arrival(known, stamp, EARLIEST, LATEST)

    @given(st.integers(EARLIEST, LATEST), st.integers(EARLIEST, LATEST), st.integers(-2 * NS_PER_S, 2 * NS_PER_S))
    def test_what_is_not_certain_is_told(self, truth: int, set_at: int, step: int) -> None:
        """However the clock was set while a frame waited, its arrival is right but for what is said to be in doubt."""
        known = (*readings(0, EARLIEST - NS_PER_MS, [(0, 0)]), *readings(step, LATEST, [(0, 0)]))
        stamp = truth if truth <= set_at else truth + step
        at, doubt = _core.wall_arrival(known, stamp, EARLIEST, LATEST)
        imperceptible = 1000 if abs(step) <= 1000 else 0
        assert abs(at - truth) <= doubt + imperceptible

    def test_a_frame_that_came_after_the_clock_was_set_is_certain(self) -> None:
        """Once a port was seen empty, nothing in it is older than that."""
        known = (*readings(0, 0, [(0, 0)]), *readings(NS_PER_MS, EARLIEST - NS_PER_S, [(0, 0)]))
        assert (EARLIEST, 0) == _core.wall_arrival(known, EARLIEST + NS_PER_MS, EARLIEST, LATEST)

    def test_a_stamp_from_just_before_the_port_was_seen_empty_is_kept(self) -> None:
        """A frame may be stamped a little before it is in the ring; the model then says by how much it was moved."""
        known = tuple(readings(0, 0, [(0, 0)]))
        assert (EARLIEST - 7_000, 0) == _core.wall_arrival(known, EARLIEST - 7_000, EARLIEST, LATEST)


class TestTrigger:
    """Which frame starts a link that waits for its first one."""

    @pytest.mark.parametrize(
        ("frame", "starts"),
        [
            pytest.param(UDP4, True, id="UDP over IPv4"),
            pytest.param(TCP6, True, id="TCP over IPv6"),
            pytest.param(MACS + b"\x81\x00\x00\x05" + UDP4[12:], True, id="behind a VLAN tag"),
            pytest.param(MACS + b"\x88\xa8\x00\x05\x81\x00\x00\x06" + TCP6[12:], True, id="behind two VLAN tags"),
            pytest.param(UDP4[:23] + b"\x01" + UDP4[24:], False, id="ICMP"),
            pytest.param(TCP6[:20] + b"\x3a" + TCP6[21:], False, id="ICMPv6"),
            pytest.param(
                TCP6[:20] + b"\x00" + TCP6[21:] + b"\x11" + bytes(7), True, id="UDP behind hop-by-hop options"
            ),
            pytest.param(TCP6[:20] + b"\x2c" + TCP6[21:] + b"\x06" + bytes(7), True, id="fragment of TCP"),
            pytest.param(MACS + b"\x08\x06" + bytes(28), False, id="ARP"),
        ],
    )
    def test_transport_packet(self, frame: bytes, starts: bool) -> None:
        """TCP and UDP start it, over either IP and behind tags and options; nothing else does."""
        assert starts is _core.trigger_matches("first-transport-packet", frame, 1500)

    @given(st.binary(max_size=100), st.integers(0, 60))
    def test_mangled_frames_are_read_within_their_bounds(self, tail: bytes, cut: int) -> None:
        """Whatever a frame holds and however short it is, there is an answer."""
        for frame in (tail, (TCP6 + tail)[: 14 + cut], MACS + b"\x81\x00" + tail):
            assert _core.trigger_matches("first-transport-packet", frame, 1500) in (True, False)

    @pytest.mark.parametrize(("size", "mtu", "starts"), [(1500, 1500, False), (1501, 1500, True), (1501, 9000, False)])
    def test_large_transport_packet(self, size: int, mtu: int, starts: bool) -> None:
        """Large is longer than the MTU, Ethernet header included."""
        frame = UDP4 + bytes(size - len(UDP4))
        assert starts is _core.trigger_matches("first-large-transport-packet", frame, mtu)
        assert not _core.trigger_matches("first-large-transport-packet", MACS + bytes(9500), mtu)

    def test_any_packet(self) -> None:
        """first-packet means any frame."""
        assert _core.trigger_matches("first-packet", MACS + b"\x88\xb5", 1500)

    def test_unknown_kind_is_refused(self) -> None:
        """The message lists what is legal."""
        with pytest.raises(ValueError, match="'second-packet' does not name a frame; legal is first-packet, first-"):
            _core.trigger_matches("second-packet", b"", 1500)
