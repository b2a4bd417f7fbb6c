"""A report crosses a path that loses, copies and reorders, whole or not at all."""

from __future__ import annotations

import json
import random
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plctl.agent.probe.document import DocumentReceiver, DocumentSender
from plctl.agent.probe.wire import Chunk, Document, DocumentAck
from plctl.common.base.errors import ProtocolError
from plctl.common.base.units import NS_PER_S


def noise(characters: int) -> dict[str, str]:
    """A document that does not compress well."""
    return {"noise": random.Random(1).randbytes(characters // 2).hex()}


@given(st.integers(0, 60_000), st.randoms(use_true_random=False), st.floats(0, 0.7))
def test_a_document_arrives_over_a_bad_path(length: int, chance: random.Random, loss: float) -> None:
    """Chunks and acknowledgements are lost, doubled and shuffled; in the end both sides know that all is there."""
    content = noise(length)
    outbox, inbox = DocumentSender(1, Document.REPORT, content), DocumentReceiver(1, Document.REPORT)
    now_ns = 1
    while not outbox.done:
        flying = [chunk for chunk in outbox.due(now_ns) for _ in range(chance.choice((1, 1, 2)))]
        chance.shuffle(flying)
        for chunk in flying:
            if chance.random() >= loss:
                ack = inbox.add(chunk)
                if chance.random() >= loss:
                    outbox.acknowledge(ack)
        now_ns += NS_PER_S
    assert content == inbox.content


def test_few_chunks_are_in_flight_at_a_time() -> None:
    """A short queue must be able to hold a window; the next one leaves only after it has arrived."""
    outbox = DocumentSender(1, Document.FIN, noise(100_000))
    window = outbox.due(1)
    assert [0, 1, 2, 3, 4, 5, 6, 7] == [chunk.number for chunk in window]
    assert outbox.due(2) == []
    outbox.acknowledge(DocumentAck(1, Document.FIN, 5))
    assert outbox.due(3) == []
    outbox.acknowledge(DocumentAck(1, Document.FIN, 8))
    assert [8, 9] == [chunk.number for chunk in outbox.due(4)][:2]


def test_an_acknowledgement_of_what_was_not_sent_is_ignored() -> None:
    """A hostile peer cannot make a document look delivered, nor move one that it is not about."""
    outbox = DocumentSender(1, Document.FIN, noise(100_000))
    outbox.due(1)
    outbox.acknowledge(DocumentAck(1, Document.FIN, 65_535))
    outbox.acknowledge(DocumentAck(1, Document.BYE, 8))
    assert outbox.due(2) == []
    assert not outbox.done


@pytest.mark.parametrize(
    "packed",
    [
        b"not zlib",
        zlib.compress(b"not json"),
        zlib.compress(json.dumps([1, 2]).encode()),
        zlib.compress(b'"' + b"x" * 70 * 2**20 + b'"'),
        zlib.compress(b"[" * 500_000),
    ],
)
def test_a_document_that_is_none_is_refused(packed: bytes) -> None:
    """Damage, other types, a decompression bomb and absurd nesting end in a sentence, not in exhausted memory."""
    inbox = DocumentReceiver(1, Document.FIN)
    chunks = [packed[at : at + 1000] for at in range(0, len(packed), 1000)]
    for number, part in enumerate(chunks[:-1]):
        inbox.add(Chunk(1, Document.FIN, number, len(chunks), part))
    with pytest.raises(ProtocolError, match="the peer's report"):
        inbox.add(Chunk(1, Document.FIN, len(chunks) - 1, len(chunks), chunks[-1]))
