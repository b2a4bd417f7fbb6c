"""The probe's server: any number of sessions on one socket, deaf to everything that is not one of them."""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import Callable

from plctl.agent.probe.clock import machine_id
from plctl.agent.probe.flow import ProbeFlow
from plctl.agent.probe.report import DirectionReport, SentRecord
from plctl.agent.probe.session import SessionReport
from plctl.agent.probe.socket import Address, Arrival, ProbeSocket
from plctl.agent.probe.stop import StopSignals
from plctl.agent.probe.wire import (
    Chunk,
    Data,
    Directions,
    Document,
    DocumentAck,
    ProbeHello,
    ProbeWelcome,
    decode,
    encode,
)
from plctl.common.base.errors import ProtocolError
from plctl.common.base.units import NS_PER_S, format_duration

#: Sessions at one time; more are not welcomed.
SESSIONS_MAX = 64

#: A finished session still answers its client's repeats this long.
_LINGER_NS = 1 * NS_PER_S
_FAR_NS = 3600 * NS_PER_S

_Key = tuple[Address, int]


class _ProbeSession:
    """A flow, and how far its end has come."""

    def __init__(self, flow: ProbeFlow) -> None:
        self.flow = flow
        self.up: DirectionReport | None = None
        self.report: SessionReport | None = None  #: set once the session is over
        self.over_ns = 0
        self.reported = False
        self.told = 0  #: intervals that were ticked
        self._fin_ns = 0
        self._sent: SentRecord | None = None

    def advance(self, now_ns: int, steps: list[int], idle_ns: int) -> None:
        """Take the next step of the session's end, if it is due.

        :raises ProtocolError: the client's document makes no sense.
        """
        fin = self.flow.received(Document.FIN)
        if fin is not None and not self._fin_ns:
            self._take_fin(now_ns, fin)
        if self._fin_ns and self.flow.outbox is None and self.settled(now_ns):
            self.up = self.flow.report(self._sent)
            self.flow.post(Document.REPORT, up=self.up.as_dict() if self.up else None, sent=self.flow.sent_dict())
        if (bye := self.flow.received(Document.BYE)) is not None:
            self.end(now_ns, steps, [], DirectionReport.from_dict(bye["down"]) if bye.get("down") else None)
        elif self.flow.done_sending(now_ns) and now_ns - self.flow.heard_ns > idle_ns:
            self.end(now_ns, steps, [f"the client was not heard for {format_duration(idle_ns)}"], None)

    def _take_fin(self, now_ns: int, fin: dict[str, object]) -> None:
        self._fin_ns = now_ns
        if fin.get("sent"):
            self._sent = SentRecord.from_dict(fin["sent"])
        if fin.get("stop") and self.flow.schedule is not None:
            self.flow.schedule.stop()

    def settled(self, now_ns: int) -> bool:
        """True once this end has sent all, and no more of the client's packets is waited for."""
        return self.flow.done_sending(now_ns) and now_ns >= self.flow.settled_ns(self._sent, self._fin_ns)

    def end(self, now_ns: int, steps: list[int], notes: list[str], down: DirectionReport | None) -> None:
        """Close the books with what is known."""
        up = self.up if self.up is not None else self.flow.report(self._sent)
        self.report = SessionReport.of(self.flow, up, down, steps, notes)
        self.over_ns = now_ns

    def next_due_ns(self, now_ns: int, idle_ns: int) -> int:
        """When `advance` or the flow has something to do, if nothing arrives before."""
        if self.report is not None:
            return self.over_ns + _LINGER_NS
        due_ns = min(self.flow.next_due_ns(now_ns), self.flow.heard_ns + idle_ns + 1)
        if self._fin_ns and self.flow.outbox is None:
            due_ns = min(due_ns, max(now_ns, self.flow.settled_ns(self._sent, self._fin_ns)))
        return due_ns


class ProbeServer:
    """Serves until `stop` is asked for or, with `once`, until the first session has ended.

    :param idle_ns: a session whose client was not heard for so long is over.
    :param ticked: called with the flow and the number of each interval that has ended.
    """

    def __init__(
        self, sock: ProbeSocket, *, once: bool, idle_ns: int, stop: StopSignals,
        ticked: Callable[[ProbeFlow, int], None] | None = None
    ) -> None:  # fmt: skip
        self._sock = sock
        self._once = once
        self._idle_ns = idle_ns
        self._stop = stop
        self._ticked = ticked
        self._sessions: dict[_Key, _ProbeSession] = {}
        self._secret = secrets.token_bytes(16)
        self._machine = machine_id()
        self.ignored = 0  #: datagrams that were not a probe's, or of no session

    def run(self) -> list[SessionReport]:
        """Serve; the reports of all sessions, in the order of their ends."""
        reports: list[SessionReport] = []
        while not self._stop.asked and not (self._once and reports and not self._sessions):
            now_ns = time.monotonic_ns()
            due_ns = (each.next_due_ns(now_ns, self._idle_ns) for each in self._sessions.values())
            self._sock.wait(min(due_ns, default=now_ns + _FAR_NS), self._stop)
            for arrival in self._sock.receive():
                self._take(arrival)
            now_ns = time.monotonic_ns()
            for key, session in list(self._sessions.items()):
                self._turn(key, session, now_ns, reports)
        return reports + self._end_all()

    def _take(self, arrival: Arrival) -> None:
        message = decode(arrival.head)
        if isinstance(message, ProbeHello):
            self._greet(message, arrival.source)
            return
        session = self._sessions.get((arrival.source, message.session)) if message is not None else None
        if session is None or not isinstance(message, Data | Chunk | DocumentAck):
            self.ignored += 1
            return
        try:
            session.flow.take(message, arrival)
        except ProtocolError as error:
            self._refuse(session, error)

    def _greet(self, hello: ProbeHello, source: Address) -> None:
        """Answer a greeting; nothing is remembered of a client that has not shown that it gets our answers."""
        key = (source, hello.session)
        cookie = self._cookie(key)
        accepted = hello.cookie == cookie and (key in self._sessions or len(self._sessions) < SESSIONS_MAX)
        if accepted and key not in self._sessions:
            self._sessions[key] = _ProbeSession(self._flow(hello, source))
        self._sock.send(encode(ProbeWelcome(hello.session, cookie, self._machine, accepted)), source)

    def _flow(self, hello: ProbeHello, source: Address) -> ProbeFlow:
        ways = {"sends": Directions.DOWN in hello.directions, "receives": Directions.UP in hello.directions}
        shared = hello.machine == self._machine
        return ProbeFlow(
            self._sock, source, hello.session, hello.pattern, time.monotonic_ns(), **ways, shared_clock=shared
        )

    def _cookie(self, key: _Key) -> int:
        words = repr(key).encode()
        return int.from_bytes(hashlib.blake2b(words, key=self._secret, digest_size=8).digest(), "big") | 1

    def _turn(self, key: _Key, session: _ProbeSession, now_ns: int, reports: list[SessionReport]) -> None:
        """One session's turn: send, advance, tell, report, forget."""
        if session.report is None:
            session.flow.pump(now_ns)
            try:
                session.advance(now_ns, self._sock.clock.steps, self._idle_ns)
            except ProtocolError as error:
                self._refuse(session, error)
            self._tick(session, now_ns)
        if session.report is not None and not session.reported:
            session.reported = True
            reports.append(session.report)
        if session.reported and now_ns - session.over_ns >= _LINGER_NS:
            del self._sessions[key]

    def _tick(self, session: _ProbeSession, now_ns: int) -> None:
        flow = session.flow
        current = min(now_ns - flow.begun_ns, flow.pattern.duration_ns) // flow.pattern.interval_ns
        while session.told < current:
            if self._ticked is not None:
                self._ticked(flow, session.told)
            session.told += 1

    def _refuse(self, session: _ProbeSession, error: ProtocolError) -> None:
        session.end(time.monotonic_ns(), self._sock.clock.steps, [str(error)], None)

    def _end_all(self) -> list[SessionReport]:
        """The reports of those that were not over when the server was stopped."""
        unfinished = [each for each in self._sessions.values() if not each.reported]
        for session in unfinished:
            if session.report is None:
                session.end(time.monotonic_ns(), self._sock.clock.steps, ["ended before the client was done"], None)
        return [each.report for each in unfinished if each.report is not None]
