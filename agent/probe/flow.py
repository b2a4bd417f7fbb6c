"""One session as either end sees it: what it sends, what it counts, and the documents that end it."""

from __future__ import annotations

import time
from dataclasses import asdict
from typing import Any

from plctl.agent.probe.document import DocumentReceiver, DocumentSender
from plctl.agent.probe.pattern import Pattern, SendSchedule
from plctl.agent.probe.report import UDP_IPV4_BYTES, UDP_IPV6_BYTES, DirectionReport, SentRecord, Tally
from plctl.agent.probe.socket import SEGMENTS_MIN, Address, Arrival, ProbeSocket
from plctl.agent.probe.wire import Chunk, Data, Document, DocumentAck, encode
from plctl.common.base.units import NS_PER_S

#: After a sender's end, arrivals are waited for until this long has passed without one.
QUIET_NS = 1 * NS_PER_S

_BURST = 64  # packets a turn, so that reading is not starved
_FAR_NS = 3600 * NS_PER_S


class ProbeFlow:
    """Both directions of one session at one end. It never sleeps: `next_due_ns` says when `pump` is due.

    :param sends: this end sends data, from `begun_ns` on.
    :param receives: this end expects data.
    :param shared_clock: both ends read one CLOCK_MONOTONIC, so that one-way delays mean something.
    """

    def __init__(
        self, sock: ProbeSocket, peer: Address, session: int, pattern: Pattern, begun_ns: int,
        *, sends: bool, receives: bool, shared_clock: bool
    ) -> None:  # fmt: skip
        self.peer = peer
        self.begun_ns = begun_ns
        self.session = session
        self.pattern = pattern
        self.shared_clock = shared_clock
        self.schedule = SendSchedule(pattern, begun_ns) if sends else None
        self.sent = SentRecord(begun_ns, pattern.interval_ns) if sends else None
        header_bytes = UDP_IPV4_BYTES if is_ipv4(peer) else UDP_IPV6_BYTES
        self.tally = Tally(pattern, header_bytes) if receives else None
        self.outbox: DocumentSender | None = None
        self.inboxes = {document: DocumentReceiver(session, document) for document in Document}
        self.heard_ns = begun_ns  #: when the peer was last heard
        self._sock = sock
        self._overflowed_before = sock.overflowed

    def take(self, message: Data | Chunk | DocumentAck, arrival: Arrival) -> None:
        """Act on a message of this session.

        :raises ProtocolError: it completes a document that cannot be one.
        """
        self.heard_ns = max(self.heard_ns, time.monotonic_ns())
        match message:
            case Data():
                self.count(message, arrival)
            case Chunk():
                self._sock.send(encode(self.inboxes[message.document].add(message)), self.peer)
            case DocumentAck() if self.outbox is not None:
                self.outbox.acknowledge(message)

    def count(self, data: Data, arrival: Arrival) -> None:
        """Enter a data packet into the figures."""
        if self.tally is not None:
            timed = arrival.timed and self.shared_clock
            self.tally.add(
                data.sequence, sent_ns=data.sent_ns, begun_ns=data.begun_ns, arrived_ns=arrival.arrived_ns,
                size=arrival.size, timed=timed,
            )  # fmt: skip
            self.tally.overflowed = self._sock.overflowed - self._overflowed_before

    def pump(self, now_ns: int) -> None:
        """Send what is due at `now_ns`."""
        if self.schedule is not None and (due := self.schedule.due(now_ns)) > 0:
            self._send_data(self.schedule, min(due, _BURST))
        if self.outbox is not None:
            for chunk in self.outbox.due(now_ns):
                self._sock.send(encode(chunk), self.peer)

    def _send_data(self, schedule: SendSchedule, count: int) -> None:
        if count >= SEGMENTS_MIN:  # late, or fast: one system call, one time for all of them
            self._send_burst(schedule, count)
        else:
            for _ in range(count):
                self._send_burst(schedule, 1)

    def _send_burst(self, schedule: SendSchedule, count: int) -> None:
        assert self.sent is not None
        first, begun_ns, size = schedule.sent, schedule.begun_ns, self.pattern.size
        now_ns = time.monotonic_ns()  # as close to the send as Python gets
        packets = [encode(Data(self.session, first + n, now_ns, begun_ns), size) for n in range(count)]
        left = self._sock.send_burst(packets, self.peer)
        self.sent.add(now_ns, left)
        self.sent.errors += count - left
        schedule.take(now_ns, count)
        self.sent.late_max_ns = schedule.late_max_ns

    def next_due_ns(self, now_ns: int) -> int:
        """When `pump` will have something to do, if nothing arrives before."""
        due_ns = now_ns + _FAR_NS
        if self.schedule is not None and not self.schedule.over(now_ns):
            due_ns = min(due_ns, self.schedule.next_due_ns())
        if self.outbox is not None and not self.outbox.done:
            due_ns = min(due_ns, self.outbox.next_ns)
        return due_ns

    def done_sending(self, now_ns: int) -> bool:
        """True once this end will send no more data."""
        return self.schedule is None or self.schedule.over(now_ns)

    def settled_ns(self, sent: SentRecord | None, ended_ns: int) -> int:
        """From when on no more arrivals are waited for, the peer having ended at `ended_ns`; 0: everything is here."""
        if self.tally is None or (sent is not None and self.tally.received >= sent.total):
            return 0
        return max(self.tally.last_ns, ended_ns) + QUIET_NS

    def post(self, document: Document, **content: Any) -> None:
        """Begin to send `document`."""
        self.outbox = DocumentSender(self.session, document, content)

    def received(self, document: Document) -> dict[str, Any] | None:
        """The peer's `document`, once it is whole."""
        return self.inboxes[document].content

    def sent_dict(self) -> dict[str, Any] | None:
        """What this end has sent, for the peer."""
        return asdict(self.sent) if self.sent is not None else None

    def report(self, sent: SentRecord | None) -> DirectionReport | None:
        """The direction that this end receives."""
        return self.tally.report(sent) if self.tally is not None else None


def is_ipv4(address: Address) -> bool:
    """True for an IPv4 peer, also one that an IPv6 socket shows as ``::ffff:…``."""
    host = str(address[0])
    return ":" not in host or host.startswith("::ffff:")
