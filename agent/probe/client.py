"""The probe's client: opens a session, sends and counts, and brings both ends' figures together."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from typing import Any

from plctl.agent.probe.clock import machine_id
from plctl.agent.probe.flow import QUIET_NS, ProbeFlow
from plctl.agent.probe.pattern import Pattern
from plctl.agent.probe.report import DirectionReport, SentRecord
from plctl.agent.probe.session import SessionReport
from plctl.agent.probe.socket import Address, ProbeSocket
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
from plctl.common.base.errors import WorldError
from plctl.common.base.units import NS_PER_MS, NS_PER_S, format_duration

_HELLO_EVERY_NS = 100 * NS_PER_MS
_BYE_NS = 2 * NS_PER_S  # the server gets this long to take the final figures


class ProbeError(WorldError):
    """The other end did not answer; the sentence says which and for how long it was tried."""


class ProbeClient:
    """One session with a server.

    :param patience_ns: how long to wait for a server that does not answer, at the start and at the end.
    :param stop: asks to end early; the figures so far are still brought together.
    :param ticked: called with the flow and the number of each interval that has ended.
    """

    def __init__(
        self, sock: ProbeSocket, server: Address, pattern: Pattern, directions: Directions, *, patience_ns: int,
        stop: StopSignals, ticked: Callable[[ProbeFlow, int], None] | None = None
    ) -> None:  # fmt: skip
        self._sock = sock
        self._server = server
        self._pattern = pattern
        self._directions = directions
        self._patience_ns = patience_ns
        self._stop = stop
        self._ticked = ticked
        self._told = 0  # intervals that `ticked` was called for
        self._session = secrets.randbits(64)
        self._machine = machine_id()

    def run(self) -> SessionReport:
        """The whole session.

        :raises ProbeError: the server never answered.
        """
        flow = self._open()
        self._exchange(flow)
        report = self._settle(flow, self._await_reply(flow))
        self._say_bye(flow, report)
        return report

    def _open(self) -> ProbeFlow:
        """Greet until the server lets us begin."""
        hello_ns, end_ns = 0, time.monotonic_ns() + self._patience_ns
        welcome, flow = ProbeWelcome(self._session, 0, 0, False), None
        while flow is None and (now_ns := time.monotonic_ns()) < end_ns and not self._stop.asked:
            if now_ns >= hello_ns:
                hello = ProbeHello(self._session, welcome.cookie, self._machine, self._pattern, self._directions)
                self._sock.send(encode(hello), self._server)
                hello_ns = now_ns + _HELLO_EVERY_NS
            self._sock.wait(min(hello_ns, end_ns), self._stop)
            for arrival in self._sock.receive():
                message = decode(arrival.head)
                if message is None or message.session != self._session:
                    continue
                if isinstance(message, ProbeWelcome):
                    welcome, hello_ns = message, 0
                elif flow is not None and isinstance(message, Data):
                    flow.take(message, arrival)
                if welcome.accepted and flow is None:
                    flow = self._begin(arrival.source, welcome.machine == self._machine)
        if flow is None:
            tried = "before it was told to stop" if self._stop.asked else f"within {format_duration(self._patience_ns)}"
            raise ProbeError(f"no probe server answered on {self._server[0]}, UDP port {self._server[1]}, {tried}")
        return flow

    def _begin(self, server: Address, shared_clock: bool) -> ProbeFlow:
        ways = {"sends": Directions.UP in self._directions, "receives": Directions.DOWN in self._directions}
        begun_ns = time.monotonic_ns()
        return ProbeFlow(self._sock, server, self._session, self._pattern, begun_ns, **ways, shared_clock=shared_clock)

    def _exchange(self, flow: ProbeFlow) -> None:
        """Send and count until neither end has anything more to send, or the user wants no more."""
        end_ns = flow.begun_ns + (self._pattern.duration_ns if flow.tally is not None else 0)
        while not self._stop.asked and not (flow.done_sending(now_ns := time.monotonic_ns()) and now_ns >= end_ns):
            self._turn(flow, now_ns, end_ns)
        if flow.schedule is not None:
            flow.schedule.stop()

    def _await_reply(self, flow: ProbeFlow) -> dict[str, Any] | None:
        """The server's report; None if it fell silent."""
        flow.post(Document.FIN, sent=flow.sent_dict(), stop=self._stop.asked)
        posted_ns = time.monotonic_ns()
        while (reply := flow.received(Document.REPORT)) is None:
            now_ns = time.monotonic_ns()
            # The server may wait for stragglers first; and before the FIN it had no reason to say anything.
            give_up_ns = max(posted_ns, flow.heard_ns) + QUIET_NS + self._patience_ns
            if now_ns >= give_up_ns:
                return None
            self._turn(flow, now_ns, give_up_ns)
        return reply

    def _settle(self, flow: ProbeFlow, reply: dict[str, Any] | None) -> SessionReport:
        """Wait for what may still arrive, and put the figures together."""
        if reply is None:
            note = (
                f"the server fell silent for {format_duration(QUIET_NS + self._patience_ns)}; its figures are missing"
            )
            return SessionReport.of(flow, None, flow.report(None), self._sock.clock.steps, [note])
        sent = SentRecord.from_dict(reply["sent"]) if reply.get("sent") else None
        replied_ns = time.monotonic_ns()
        while (now_ns := time.monotonic_ns()) < (until_ns := flow.settled_ns(sent, replied_ns)):
            self._turn(flow, now_ns, until_ns)
        up = DirectionReport.from_dict(reply["up"]) if reply.get("up") else None
        return SessionReport.of(flow, up, flow.report(sent), self._sock.clock.steps, [])

    def _say_bye(self, flow: ProbeFlow, report: SessionReport) -> None:
        """Hand the final figures to the server, as far as it still listens."""
        flow.post(Document.BYE, down=report.down.as_dict() if report.down else None)
        end_ns = time.monotonic_ns() + _BYE_NS
        while flow.outbox is not None and not flow.outbox.done and (now_ns := time.monotonic_ns()) < end_ns:
            self._turn(flow, now_ns, end_ns)

    def _turn(self, flow: ProbeFlow, now_ns: int, until_ns: int) -> None:
        """Do what is due, wait for what comes, at most until `until_ns`, and take it."""
        flow.pump(now_ns)
        self._tick(flow, now_ns)
        self._sock.wait(min(until_ns, flow.next_due_ns(now_ns)), self._stop)
        for arrival in self._sock.receive():
            message = decode(arrival.head)
            if isinstance(message, Data | Chunk | DocumentAck) and message.session == self._session:
                flow.take(message, arrival)

    def _tick(self, flow: ProbeFlow, now_ns: int) -> None:
        current = (now_ns - flow.begun_ns) // self._pattern.interval_ns
        while self._told < current:
            if self._ticked is not None:
                self._ticked(flow, self._told)
            self._told += 1
