"""The probe over real sockets: what it says of a path is what that path did."""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from plctl.agent.forwarder.client import ForwarderClient
from plctl.agent.kernel.link_namespaces import (
    CLIENT_IPV4,
    CLIENT_IPV6,
    SERVER_IPV4,
    SERVER_IPV6,
    LinkNamespaces,
    build,
    open_socket,
    remove,
)
from plctl.agent.ownership.ledger import Ledger
from plctl.agent.probe import client as probe_client
from plctl.agent.probe.client import ProbeClient
from plctl.agent.probe.pattern import Pattern
from plctl.agent.probe.report import DirectionReport
from plctl.agent.probe.server import ProbeServer
from plctl.agent.probe.session import SessionReport
from plctl.agent.probe.socket import ProbeSocket
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
from plctl.common.base.units import NS_PER_MS, NS_PER_S
from plctl.common.plan.run_plan import LinkPlan

PLCTL = str(Path(sys.executable).with_name("plctl"))
PORT = 8622
HUNDRED = Pattern.paced(mpps=500_000, size=400, duration_ns=0, count=100, interval_ns=50 * NS_PER_MS)


def bound(family: socket.AddressFamily = socket.AF_INET, host: str = "127.0.0.1") -> socket.socket:
    """A UDP socket on a port of the kernel's choice."""
    sock = socket.socket(family, socket.SOCK_DGRAM)
    sock.bind((host, 0))
    return sock


class Serving:
    """A server of one session in a thread of its own; `report` is what it says in the end."""

    def __init__(self, server: ProbeServer, reports: Future[list[SessionReport]]) -> None:
        self.server = server
        self._reports = reports

    @property
    def report(self) -> SessionReport:
        """The report of the one session; waits for the server's end."""
        (report,) = self._reports.result(timeout=30)
        return report


@contextmanager
def serving(sock: socket.socket) -> Iterator[Serving]:
    """Serve one session on `sock`; stopped with the block if there was none."""
    with ProbeSocket(sock) as probe, StopSignals() as stop, ThreadPoolExecutor(1) as pool:
        server = ProbeServer(probe, once=True, idle_ns=20 * NS_PER_S, stop=stop)
        try:
            yield Serving(server, pool.submit(server.run))
        finally:
            stop.ask()


def probe(
    sock: socket.socket,
    server: Any,
    pattern: Pattern,
    way: Directions = Directions.UP,
    patience_ns: int = 20 * NS_PER_S,
) -> SessionReport:
    """Run one session from `sock`."""
    with ProbeSocket(sock) as probe, StopSignals() as stop:
        return ProbeClient(probe, server, pattern, way, patience_ns=patience_ns, stop=stop).run()


def known(report: DirectionReport | None) -> DirectionReport:
    """`report`, which must be there."""
    assert report is not None
    return report


# --- a real link


@pytest.fixture
async def link(namespaces: LinkNamespaces, plan: LinkPlan, ledger: Ledger) -> AsyncIterator[LinkNamespaces]:
    """A link of 10 ms and 100 Mbit/s that forwards."""
    build(namespaces, plan, ledger)
    forwarder = await ForwarderClient.spawn(ledger, 1)
    try:
        await forwarder.add(0, namespaces.link, plan)
        yield namespaces
    finally:
        await forwarder.close()
        remove(namespaces, ledger)


@pytest.mark.undisturbed
@pytest.mark.parametrize(
    ("family", "client", "server"),
    [(socket.AF_INET, CLIENT_IPV4, SERVER_IPV4), (socket.AF_INET6, CLIENT_IPV6, SERVER_IPV6)],
)
def test_a_links_delay_is_measured_both_ways(
    link: LinkNamespaces, family: socket.AddressFamily, client: str, server: str
) -> None:
    """The least delay is the link's and a packet's service time, within 0.2 ms; nothing is lost or out of order."""
    near = open_socket(link.client, family, socket.SOCK_DGRAM)
    far = open_socket(link.server, family, socket.SOCK_DGRAM)
    far.bind((server, PORT))
    with serving(far) as served:
        report = probe(near, (server, PORT), HUNDRED, Directions.BOTH)
    headers = 42 if family == socket.AF_INET else 62
    asked_ns = 10 * NS_PER_MS + (400 + headers) * 8 * 10
    for way in (known(report.up), known(report.down)):
        assert (100, 100, 0, 0) == (way.total.sent, way.total.received, way.total.duplicates, way.total.reordered)
        assert way.total.delay_ns is not None
        assert asked_ns - 50_000 < way.total.delay_ns.min < asked_ns + 200_000
    assert (report.up, report.down, ()) == (served.report.up, served.report.down, served.report.notes)
    assert client in served.report.peer


# --- a path that does harm, exactly as much as we ask


@contextmanager
def relay(
    server: Any, harm: Callable[[Data, bytes], list[bytes]], broken: Callable[[], bool] = lambda: False
) -> Iterator[Any]:
    """A UDP path to `server` whose address is yielded; `harm` says what becomes of each data packet on its way up.

    While it is `broken`, nothing comes back.
    """
    with ExitStack() as stack:
        front, back = stack.enter_context(bound()), stack.enter_context(bound())
        ended, end = os.pipe()
        stack.callback(os.close, ended)

        def run() -> None:
            client: Any = None
            while ended not in (ready := select.select([front, back, ended], [], [])[0]):
                if back in ready:
                    answer = back.recv(65_535)
                    if not broken():
                        front.sendto(answer, client)
                if front in ready:
                    packet, client = front.recvfrom(65_535)
                    message = decode(packet)
                    for each in harm(message, packet) if isinstance(message, Data) else [packet]:
                        back.sendto(each, server)

        thread = threading.Thread(target=run)
        thread.start()
        stack.callback(thread.join)
        stack.callback(os.close, end)
        yield front.getsockname()


def test_every_lost_doubled_and_overtaken_packet_is_counted() -> None:
    """Of 100 packets ten are lost, ten doubled, ten overtaken by the next: that, and nothing else, is reported."""
    held: list[bytes] = []

    def harm(data: Data, packet: bytes) -> list[bytes]:
        before, held[:] = list(held), []
        match data.sequence % 10:
            case 3:
                return before
            case 5:
                return [packet, packet, *before]
            case 7:
                held.append(packet)
                return before
        return [packet, *before]

    far = bound()
    with relay(far.getsockname(), harm) as path, serving(far) as served:
        up = known(probe(bound(), path, HUNDRED).up)
    assert (100, 90, 10, 10, 10) == (
        up.total.sent, up.total.received, up.total.lost, up.total.duplicates, up.total.reordered
    )  # fmt: skip
    assert served.report.up == up
    assert up.total.lost == sum(each.lost or 0 for each in up.intervals)


def swallow(data: Data, packet: bytes) -> list[bytes]:  # noqa: ARG001  # what a relay asks of any harm
    """Lose every packet."""
    return []


def test_a_path_that_loses_all_data_is_reported_as_such() -> None:
    """No packet, no delay, no doubt: all of them are lost."""
    far = bound()
    with relay(far.getsockname(), swallow) as path, serving(far):
        up = known(probe(bound(), path, HUNDRED).up)
    assert (100, 0, 100, None) == (up.total.sent, up.total.received, up.total.lost, up.total.delay_ns)


def test_ends_on_different_machines_report_no_delay(monkeypatch: pytest.MonkeyPatch) -> None:
    """Clocks that have nothing to do with each other give no figure, but a note."""
    monkeypatch.setattr(probe_client, "machine_id", lambda: 12_345)
    far = bound()
    with serving(far) as served:
        report = probe(bound(), far.getsockname(), HUNDRED, Directions.BOTH)
    for way in (known(report.up), known(report.down)):
        assert (None, 100, 100) == (way.total.delay_ns, way.untimed, way.total.received)
    assert "do not share a clock" in report.notes[0]
    assert report.notes == served.report.notes


@pytest.mark.parametrize("way", [Directions.UP, Directions.DOWN, Directions.BOTH])
def test_a_session_may_last_longer_than_patience(way: Directions) -> None:
    """A server that has nothing to say while it only counts is not taken for silent."""
    far = bound()
    pattern = Pattern.paced(mpps=50_000, size=400, duration_ns=0, count=100)
    with serving(far):
        report = probe(bound(), far.getsockname(), pattern, way, patience_ns=500 * NS_PER_MS)
    assert report.complete
    assert (way != Directions.DOWN, way != Directions.UP) == (report.up is not None, report.down is not None)


def test_a_server_that_falls_silent_is_told_of() -> None:
    """The path breaks at the first data packet: the report says what is missing, and is not complete."""
    silent = False

    def harm(data: Data, packet: bytes) -> list[bytes]:  # noqa: ARG001
        nonlocal silent
        silent = True
        return []

    far = bound()
    with relay(far.getsockname(), harm, broken=lambda: silent) as path, serving(far):
        report = probe(bound(), path, HUNDRED, patience_ns=500 * NS_PER_MS)
    assert (False, None) == (report.complete, report.up)
    assert "the server fell silent for 1.5 s; its figures are missing" in report.notes


# --- strangers


def test_a_server_is_deaf_to_strangers() -> None:
    """Garbage, packets of no session and forged cookies neither disturb a session nor leave anything behind."""
    far = bound()
    strange = [
        b"", b"\0" * 100, b"plp1" + b"\xff" * 60, encode(Data(1, 2, 3, 4), 500),
        encode(DocumentAck(1, Document.FIN, 3)),
        encode(Chunk(1, Document.FIN, 0, 1, b"{}")), encode(ProbeWelcome(1, 2, 3, True)),
        encode(ProbeHello(7, 666, 0, HUNDRED, Directions.DOWN)),
    ]  # fmt: skip
    with serving(far) as served, bound() as stranger:
        for packet in strange:
            stranger.sendto(packet, far.getsockname())
        report = probe(bound(), far.getsockname(), HUNDRED)
        assert served.report.up == report.up
        answer = decode(stranger.recv(65_535))
        assert isinstance(answer, ProbeWelcome)
        assert not answer.accepted
        assert [] == select.select([stranger], [], [], 0)[0]
    assert 7 == served.server.ignored


def test_a_client_that_sends_nonsense_in_the_end_ends_its_own_session_only() -> None:
    """A document that cannot be one is noted in the session's report; the server lives."""
    far = bound()
    with serving(far) as served, bound() as client:
        client.connect(far.getsockname())
        client.send(encode(ProbeHello(7, 0, 0, HUNDRED, Directions.UP)))
        welcome = decode(client.recv(1000))
        assert isinstance(welcome, ProbeWelcome)
        client.send(encode(ProbeHello(7, welcome.cookie, 0, HUNDRED, Directions.UP)))
        assert ProbeWelcome(7, welcome.cookie, welcome.machine, True) == decode(client.recv(1000))
        client.send(encode(Chunk(7, Document.FIN, 0, 1, b"nonsense")))
        assert "cannot be read" in served.report.notes[0]


# --- the command


@pytest.fixture
def port() -> int:
    """A UDP port that was free a moment ago."""
    with bound(socket.AF_INET6, "::") as sock:
        return int(sock.getsockname()[1])


@contextmanager
def plctl(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    """`plctl probe` with `arguments`; killed with the block if it still runs."""
    process = subprocess.Popen([PLCTL, "probe", *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    with process:
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_client_and_server_print_the_same_figures(port: int, host: str) -> None:
    """One document each, on the last line; --stream prints a line an interval before it."""
    pace = ("--rate", "200pps", "--count", "40", "--interval", "100ms", "--both", "--stream")
    with (
        plctl("server", "--port", str(port), "--once") as server,
        plctl("client", host, "--port", str(port), *pace) as near,
    ):
        *lines, document = (json.loads(line) for line in near.communicate(timeout=60)[0].splitlines())
        served = json.loads(server.communicate(timeout=60)[0])
    assert (0, 0) == (near.returncode, server.returncode)
    assert [0, 1] == [line["interval"] for line in lines][:2]
    assert ("client", 1, True, []) == tuple(document[key] for key in ("role", "format", "complete", "notes"))
    for way in ("up", "down"):
        assert (40, 40) == (document[way]["total"]["sent"], document[way]["total"]["received"])
        assert document[way] == served["sessions"][0][way]
    assert SessionReport.from_dict(document).up == SessionReport.from_dict(served["sessions"][0]).up


def test_a_client_told_to_stop_reports_what_it_has(port: int) -> None:
    """SIGTERM in the middle of an hour: the figures so far, complete; then the server's, on SIGTERM too."""
    pace = ("--rate", "200pps", "--duration", "1h", "--interval", "100ms", "--both", "--stream")
    with plctl("server", "--port", str(port)) as server, plctl("client", "::1", "--port", str(port), *pace) as near:
        assert near.stdout is not None
        near.stdout.readline()  # an interval has passed
        near.send_signal(signal.SIGTERM)
        document = json.loads(near.communicate(timeout=60)[0].splitlines()[-1])
        server.send_signal(signal.SIGTERM)
        served = json.loads(server.communicate(timeout=60)[0])
    assert (0, 0) == (near.returncode, server.returncode)
    assert document["complete"]
    assert document["up"]["total"]["received"] == document["up"]["total"]["sent"] > 10
    assert document["down"] == served["sessions"][0]["down"]


def test_no_server_is_a_sentence(port: int) -> None:
    """Exit status 1, what was tried and for how long."""
    with plctl("client", "127.0.0.1", "--port", str(port), "--wait", "200ms") as near:
        stdout, stderr = near.communicate(timeout=60)
    assert (1, "") == (near.returncode, stdout)
    assert f"no probe server answered on 127.0.0.1, UDP port {port}, within 200 ms" in stderr


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--rate", "fast"], "'fast' is not a packet rate"),
        (["--rate", "0pps"], "the rate must be above zero"),
        (["--rate", "1pps", "--bitrate", "1Mbit/s"], "not both"),
        (["--bitrate", "inf"], "must be a number"),
        (["--size", "10"], "the size must be 64 to 65000 bytes, not 10"),
        (["--duration", "10"], "'10' is not a duration"),
        (["--interval", "1ms"], "at least 10 ms"),
    ],
)
def test_what_cannot_be_sent_is_refused(arguments: list[str], sentence: str) -> None:
    """Exit status 2 and a sentence; nothing is sent."""
    with plctl("client", "127.0.0.1", *arguments) as near:
        stdout, stderr = near.communicate(timeout=60)
    assert (2, "") == (near.returncode, stdout)
    assert sentence in " ".join(stderr.split())


def test_a_port_in_use_is_a_sentence() -> None:
    """Exit status 1, with the attempt and the kernel's word."""
    with bound() as taken, plctl("server", "--bind", "127.0.0.1", "--port", str(taken.getsockname()[1])) as server:
        _, stderr = server.communicate(timeout=60)
    assert 1 == server.returncode
    assert "cannot listen on 127.0.0.1, UDP port" in stderr
    assert "Address already in use" in stderr
