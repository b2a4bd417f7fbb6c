"""The probe says what it means on the wire, and is deaf to whatever is not exactly one of its packets."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plctl.agent.probe.pattern import Pattern
from plctl.agent.probe.wire import (
    CHUNK_BYTES,
    CHUNKS_MAX,
    HEAD_BYTES,
    Chunk,
    Data,
    Directions,
    Document,
    DocumentAck,
    Message,
    ProbeHello,
    ProbeWelcome,
    decode,
    encode,
)

u64 = st.integers(0, 2**64 - 1)
i64 = st.integers(-(2**63), 2**63 - 1)
messages = st.one_of(
    st.builds(
        ProbeHello,
        u64,
        u64,
        u64,
        st.builds(Pattern, st.integers(1, 10**9), st.integers(1, 10**9), st.integers(1, 100), st.integers(64, 65_000)),
        st.sampled_from([Directions.UP, Directions.DOWN, Directions.BOTH]),
    ),
    st.builds(ProbeWelcome, u64, u64, u64, st.booleans()),
    st.builds(Data, u64, u64, i64, i64),
    st.builds(
        Chunk, u64, st.sampled_from(Document), st.integers(0, 4), st.integers(5, 9), st.binary(max_size=CHUNK_BYTES)
    ),
    st.builds(DocumentAck, u64, st.sampled_from(Document), st.integers(0, 65_535)),
)


@given(messages)
def test_what_is_encoded_is_decoded(message: Message) -> None:
    """Every message survives the wire, and its head holds all of it."""
    wire = encode(message)
    assert message == decode(wire)
    assert len(wire) <= HEAD_BYTES


def test_data_are_padded_and_only_their_head_matters() -> None:
    """A packet has the size that was asked for; the receiver keeps no more than its head."""
    data = Data(7, 1, 2, 3)
    assert len(encode(data, 1400)) == 1400
    assert data == decode(encode(data, 1400)[:HEAD_BYTES])


@given(st.binary(max_size=80) | st.binary(max_size=80).map(lambda tail: b"plp1" + tail))
def test_no_bytes_at_all_raise(payload: bytes) -> None:
    """Anything is a message or nothing; what is a message can be said again."""
    message = decode(payload)
    assert message is None or decode(encode(message)) == message


@given(messages, st.data())
def test_a_damaged_packet_is_a_message_or_nothing(message: Message, data: st.DataObject) -> None:
    """Cut off anywhere or with any byte changed, a packet never raises."""
    wire = bytearray(encode(message))
    wire[data.draw(st.integers(0, len(wire) - 1))] ^= data.draw(st.integers(1, 255))
    decode(bytes(wire[: data.draw(st.integers(0, len(wire)))]))


@pytest.mark.parametrize(
    "greeting",
    [
        ProbeHello(1, 0, 0, Pattern(10**9, 1, 2**30, 1200), Directions.UP),
        ProbeHello(1, 0, 0, Pattern(1, 1, 1, 1), Directions.UP),
        ProbeHello(1, 0, 0, Pattern(1, 1, 1, 1200), Directions(0)),
    ],
)
def test_a_greeting_that_asks_for_too_much_is_not_understood(greeting: ProbeHello) -> None:
    """More packets than a session may have, no room for the head, no direction."""
    assert decode(encode(greeting)) is None


def test_a_chunk_beyond_its_document_is_not_understood() -> None:
    """Neither a number that its total does not have, nor a total that nobody should store."""
    assert decode(encode(Chunk(1, Document.FIN, 3, 3, b""))) is None
    assert decode(encode(Chunk(1, Document.FIN, 3, CHUNKS_MAX + 1, b""))) is None
