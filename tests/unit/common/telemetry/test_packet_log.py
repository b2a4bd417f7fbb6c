"""The record of a packet has one layout, in C, on the wire and on disk."""

from __future__ import annotations

from plctl.common.protocol.messages import MAX_PACKETS
from plctl.common.telemetry.packet_log import FIELDS, RECORD, SERVED, VERDICTS


def test_a_record_has_no_padding() -> None:
    """72 bytes, as agent/native/shared/packet_log.h asserts of its struct, all of them in named fields."""
    assert 72 == RECORD.size
    assert len(FIELDS) == len(RECORD.unpack(bytes(72)))


def test_the_models_verdicts_come_first() -> None:
    """0 and 1 are what the core and the reference answer on arrival; the machine's losses are apart from them."""
    assert ["admitted", "queue_full"] == [VERDICTS[0], VERDICTS[1]]
    assert {"admitted", "lost_send"} == SERVED
    assert all(code >= 128 for code, name in VERDICTS.items() if name.startswith("lost_"))


def test_a_message_of_packets_is_small() -> None:
    """288 KiB, so that telemetry behind it need not wait long."""
    assert 288 * 1024 == MAX_PACKETS * RECORD.size
