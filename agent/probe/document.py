"""Carries a JSON document over a path that loses packets: chunks in a window, cumulative acknowledgements, resends."""

from __future__ import annotations

import json
import zlib
from typing import Any

from plctl.agent.probe.wire import CHUNK_BYTES, CHUNKS_MAX, Chunk, Document, DocumentAck
from plctl.common.base.errors import ProtocolError
from plctl.common.base.units import NS_PER_MS

_WINDOW = 8  # chunks in flight: little enough for a short queue at a low rate
_RESEND_NS = 200 * NS_PER_MS
_BYTES_MAX = 64 * 2**20  # of a document, decompressed


class DocumentSender:
    """One document on its way out."""

    def __init__(self, session: int, document: Document, content: dict[str, Any]) -> None:
        self.session = session
        self.document = document
        packed = zlib.compress(json.dumps(content, separators=(",", ":")).encode())
        self._parts = [packed[at : at + CHUNK_BYTES] for at in range(0, len(packed), CHUNK_BYTES)]
        if len(self._parts) > CHUNKS_MAX:
            raise ProtocolError(f"a report of {len(packed)} compressed bytes is more than a session carries")
        self._acknowledged = self._sent = 0
        self.next_ns = 0  #: when `due` has something to send again

    @property
    def done(self) -> bool:
        """True once the peer has all of it."""
        return self._acknowledged == len(self._parts)

    def due(self, now_ns: int) -> list[Chunk]:
        """What to send now: the window, if it is new or an acknowledgement is overdue."""
        if self.done or now_ns < self.next_ns:
            return []
        self.next_ns = now_ns + _RESEND_NS
        self._sent = min(len(self._parts), self._acknowledged + _WINDOW)
        return [
            Chunk(self.session, self.document, index, len(self._parts), self._parts[index])
            for index in range(self._acknowledged, self._sent)
        ]

    def acknowledge(self, ack: DocumentAck) -> None:
        """The peer has the first `ack.have` chunks; the next window may leave once this one has arrived."""
        if ack.document == self.document and self._acknowledged < ack.have <= self._sent:
            self._acknowledged = ack.have
            if ack.have == self._sent:
                self.next_ns = 0


class DocumentReceiver:
    """One document on its way in."""

    def __init__(self, session: int, document: Document) -> None:
        self.session = session
        self.document = document
        self.content: dict[str, Any] | None = None  #: the document once it is whole
        self._parts: dict[int, bytes] = {}
        self._have = 0

    def add(self, chunk: Chunk) -> DocumentAck:
        """Take in `chunk` and word the acknowledgement.

        :raises ProtocolError: the document is whole and is not a JSON object of bearable size.
        """
        self._parts.setdefault(chunk.number, chunk.part)
        while self._have in self._parts:
            self._have += 1
        if self._have == chunk.total and self.content is None:
            self.content = _unpack(b"".join(self._parts[index] for index in range(self._have)))
        return DocumentAck(self.session, self.document, self._have)


def _unpack(packed: bytes) -> dict[str, Any]:
    stream = zlib.decompressobj()
    try:
        content = json.loads(stream.decompress(packed, _BYTES_MAX))
    except (zlib.error, ValueError, RecursionError) as error:
        raise ProtocolError(f"the peer's report cannot be read: {error}") from None
    if not isinstance(content, dict):
        raise ProtocolError("the peer's report is not a JSON object")
    return content
