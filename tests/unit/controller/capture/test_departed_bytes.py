"""What left of a frame is what the C core makes of it, as far as its bytes were kept."""

from __future__ import annotations

import pytest
from model.ip_frames import ECT_0, TAGS, frame, ipv4, ipv6

from plctl.agent.native import _core
from plctl.controller.capture.departed_bytes import departed, is_kept


@pytest.mark.parametrize("tags", TAGS.values(), ids=TAGS)
@pytest.mark.parametrize(
    "packet", [ipv4(ECT_0), ipv4(1, options=bytes(8)), ipv6(ECT_0)], ids=["IPv4", "options", "IPv6"]
)
def test_a_mark_is_that_of_the_core(packet: bytes, tags: bytes) -> None:
    """With the checksum renewed; of any number of first bytes those that the whole frame begins with."""
    arrived = frame(packet, tags)
    left = bytearray(arrived)
    _core.mark_ce(left)
    assert arrived != left
    head = 14 + len(tags)
    for kept in (0, 5, *range(head + 12, len(arrived) + 1)):
        assert left[:kept] == departed(arrived[:kept], marked=True, bit=None)


def test_a_bit_is_flipped_where_the_path_did() -> None:
    """Bit 0 is the first behind the Ethernet header, the highest of its byte; one that was not kept changes nothing."""
    assert bytes(14) + b"\x80\0" == departed(bytes(16), marked=False, bit=0)
    assert bytes(14) + b"\0\x01" == departed(bytes(16), marked=False, bit=15)
    assert bytes(16) == departed(bytes(16), marked=False, bit=16)
    assert (True, False) == (is_kept(15, 16), is_kept(16, 16))


def test_what_is_not_ip_is_left_alone() -> None:
    """As is a header of which too little was kept to renew its checksum."""
    other = bytes(12) + b"\x88\xb5" + bytes(40)
    assert other == departed(other, marked=True, bit=None)
    assert frame(ipv4(ECT_0))[:25] == departed(frame(ipv4(ECT_0))[:25], marked=True, bit=None)
