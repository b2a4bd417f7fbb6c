"""What the packet path decides from numbers and bytes alone: times of arrival, and which frame starts a scenario."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plctl.agent.native import _core
from plctl.common.base.units import NS_PER_MS, NS_PER_S

HOUR = 3600 * NS_PER_S
PREVIOUS, NOW = 50 * NS_PER_S, 50 * NS_PER_S + 20 * NS_PER_MS
MACS = bytes(12)
UDP4 = MACS + bytes.fromhex("0800") + bytes([0x45, *[0] * 8, 17, *[0] * 10])
TCP6 = MACS + bytes.fromhex("86dd") + bytes([0x60, *[0] * 5, 6, 64, *[0] * 32])


class TestArrival:
    """A wall-clock stamp becomes a monotonic time."""

    @given(st.integers(PREVIOUS, NOW), st.integers(-HOUR, 2**60))
    def test_stamp_is_translated_by_the_offset(self, truth: int, offset: int) -> None:
        """With an undisturbed clock the time of arrival is exact."""
        assert truth == _core.arrival_ns(truth + offset, offset, PREVIOUS, NOW)

    def test_stamp_from_just_before_the_previous_poll_is_kept(self) -> None:
        """A frame may be stamped a little before it is in the ring; the model then says by how much it was moved."""
        assert PREVIOUS - 7_000 == _core.arrival_ns(PREVIOUS - 7_000, 0, PREVIOUS, NOW)

    @given(st.integers(PREVIOUS, NOW), st.integers(NS_PER_S, HOUR), st.sampled_from([1, -1]))
    def test_stepped_wall_clock_moves_an_arrival_by_less_than_a_poll(self, truth: int, step: int, sign: int) -> None:
        """Stepping the clock between the stamp and the poll, by whatever amount, never leaves [previous poll, now]."""
        arrival = _core.arrival_ns(truth, sign * step, PREVIOUS, NOW)
        assert arrival == (PREVIOUS if sign > 0 else NOW)


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
