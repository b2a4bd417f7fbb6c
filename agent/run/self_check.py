"""Sends a few packets through a link before it is used: does it delay them as its first row asks for?

UDP sockets are opened inside the client's and the server's namespace; one-way delay is the kernel's receive timestamp
less the time just before sending, both of this machine's wall clock, so that no second clock is involved.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import struct
import time
from collections.abc import Callable
from dataclasses import dataclass

from plctl.agent.kernel import link_namespaces
from plctl.agent.kernel.link_namespaces import LinkNamespaces
from plctl.agent.kernel.namespace import run_inside
from plctl.common.base.errors import KernelError, WorldError
from plctl.common.base.units import NS_PER_MS, NS_PER_S, NS_PER_US, RATE_UNLIMITED, format_duration
from plctl.common.plan.run_plan import ETHERNET_HEADER, LinkPlan
from plctl.common.scenario.opportunities import Opportunities
from plctl.common.scenario.schedule import Row, Schedule
from plctl.common.telemetry.counters import HalfCounters
from plctl.common.telemetry.samples import HalfStats, LinkStats

PACKETS = 5
#: A busy machine may be late once and again; a link that is wrong is so every time. Between rounds it gets some time to
#: do something else: this much, twice as much, and so on, three seconds in all.
ROUNDS = 9
PAUSE_S = 0.012
PAYLOAD = 64
#: Ethernet, IPv4 or IPv6, and UDP headers around the payload.
HEADERS = {socket.AF_INET: 14 + 20 + 8, socket.AF_INET6: 14 + 40 + 8}
CLIENT_ADDRESSES = {socket.AF_INET: link_namespaces.CLIENT_IPV4, socket.AF_INET6: link_namespaces.CLIENT_IPV6}
SERVER_ADDRESSES = {socket.AF_INET: link_namespaces.SERVER_IPV4, socket.AF_INET6: link_namespaces.SERVER_IPV6}
#: A link whose first row needs longer than this for the check is not checked.
LONGEST_NS = 2 * NS_PER_S
#: How long packets may stay away beyond what was asked.
PATIENCE_NS = 2 * NS_PER_S
#: A measured delay may be this much shorter (the clocks' reading) and this much longer (a busy machine) than asked.
SHORTER_NS = 50 * NS_PER_US
LONGER_NS = 1 * NS_PER_MS

#: In the place of a delay that was not measured: longer than any.
_NOT_KNOWN = 2**62
_SO_TIMESTAMPNS = 35  # asm-generic/socket.h; Python has no name for it
_TIMESPEC = struct.Struct("=qq")


class SelfCheckError(WorldError):
    """A link does not do what its first row asks for; it must not be used."""


@dataclass(frozen=True, slots=True)
class SelfCheck:
    """The smallest one-way delay found in each direction and family; or why nothing was measured."""

    delays_ns: dict[str, int]  #: by direction and family: "up IPv4" …
    not_checked: str = ""

    def __str__(self) -> str:
        if self.not_checked:
            return f"not checked: {self.not_checked}"
        return ", ".join(f"{way} {format_duration(delay)}" for way, delay in self.delays_ns.items())


@dataclass(frozen=True, slots=True)
class _Way:
    """One direction of a link over one family, which is probed."""

    name: str  #: in words
    source: socket.socket
    sink: socket.socket
    row: Row  #: what it is to do
    trace: Opportunities | None  #: by what it serves, if not by the row's rate
    overhead: int
    read: Callable[[], HalfStats]  #: what the forwarder has counted on it

    def asked_ns(self, packets: int = 1) -> int:
        """As `_asked_ns`."""
        return _asked_ns(self.row, self.trace, self.overhead, self.source.family, packets)

    def slack_ns(self, packets: int = 1) -> int:
        """As `_slack_ns`."""
        return _slack_ns(self.trace, self.source.family, packets)


async def self_check(namespaces: LinkNamespaces, plan: LinkPlan, read: Callable[[], LinkStats]) -> SelfCheck:
    """Probe both directions of a link that forwards with its first rows, over IPv4 and IPv6.

    :param read: what the forwarder has counted on the link by now; says of packets that are missing how far they came.
    :raises SelfCheckError: packets are lost, changed, out of order, or not delayed as asked.
    """
    for direction, schedule in (("up", plan.up), ("down", plan.down)):
        if why := _why_not(schedule, plan.overhead_bytes):
            return SelfCheck({}, f"the first row {direction} {why}")
    delays = {}
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(end) for end in _open(namespaces.client, CLIENT_ADDRESSES)]
        servers = [stack.enter_context(end) for end in _open(namespaces.server, SERVER_ADDRESSES)]
        for name, client, server in zip(("IPv4", "IPv6"), clients, servers, strict=True):
            up = _Way(f"{plan.name} up over {name}", client, server, plan.up.facts.first, plan.up.opportunities,
                      plan.overhead_bytes, lambda: read().up)  # fmt: skip
            down = _Way(f"{plan.name} down over {name}", server, client, plan.down.facts.first, plan.down.opportunities,
                        plan.overhead_bytes, lambda: read().down)  # fmt: skip
            delays[f"up {name}"], delays[f"down {name}"] = await _measure_both(up, down)
    return SelfCheck(delays)


async def _measure_both(up: _Way, down: _Way) -> tuple[int, int]:
    """At once. Where one fails, the other is over, too, when this is raised: its sockets are closed then."""
    tasks = [asyncio.create_task(_measure(way)) for way in (up, down)]
    try:
        found = await asyncio.gather(*tasks)
        return found[0], found[1]
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _why_not(schedule: Schedule, overhead: int) -> str:
    row, trace = schedule.facts.first, schedule.opportunities
    if row.rate_bps == 0 and not trace:
        return "is an outage"
    needed = _asked_ns(row, trace, overhead, socket.AF_INET6, PACKETS) + _slack_ns(trace, socket.AF_INET6, PACKETS)
    return f"is so slow that it would take {format_duration(needed)}" if needed > LONGEST_NS else ""


def _asked_ns(
    row: Row, trace: Opportunities | None, overhead: int, family: socket.AddressFamily, packets: int = 1
) -> int:
    """Delay of the last of some packets that find the queue empty: their service and the propagation.

    Of a service by opportunities only the latter; the former is anything up to `_slack_ns`.
    """
    if trace:
        return row.delay_ns
    bits = 8 * (PAYLOAD + HEADERS[family] + overhead) * packets
    return row.delay_ns + (0 if row.rate_bps == RATE_UNLIMITED else -(-bits * NS_PER_S // row.rate_bps))


def _slack_ns(trace: Opportunities | None, family: socket.AddressFamily, packets: int) -> int:
    """How much longer opportunities may take with as many packets, as nobody knows when the next one comes."""
    bytes_in_all = (PAYLOAD + HEADERS[family] - ETHERNET_HEADER) * packets
    return -(-bytes_in_all // trace.worth_bytes) * trace.longest_gap_ns if trace else 0


def _open(namespace: str, addresses: dict[socket.AddressFamily, str]) -> list[socket.socket]:
    """A socket for each family in `namespace`, at the address there.

    :raises KernelError: no such namespace, or the kernel refuses a socket.
    """

    def make() -> list[socket.socket]:
        with contextlib.ExitStack() as stack:
            opened = [stack.enter_context(socket.socket(family, socket.SOCK_DGRAM)) for family in addresses]
            for end, address in zip(opened, addresses.values(), strict=True):
                end.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
                end.setblocking(False)
                end.bind((address, 0))
            stack.pop_all()
            return opened

    try:
        return run_inside(namespace, make)
    except OSError as error:
        raise KernelError.from_os(f"open a socket in {namespace}", error) from error


async def _measure(way: _Way) -> int:
    """The one-way delay, from as many rounds as it takes to find it as asked.

    :raises SelfCheckError: it never is, or a packet is lost, changed or overtaken.
    """
    asked = way.asked_ns()
    least = await _delay(way)
    for number in range(ROUNDS - 1):
        if _is_as_asked(asked, least, way.slack_ns()):
            break
        await asyncio.sleep(PAUSE_S * 2**number)
        least = min(least, await _delay(way))
    if least == _NOT_KNOWN:
        raise SelfCheckError(f"self-check of {way.name}: the wall clock of this host was changed in each of its rounds")
    if not _is_as_asked(asked, least, way.slack_ns()):
        raise SelfCheckError(
            f"self-check of {way.name}: asked for {format_duration(asked)}, measured {format_duration(least)}"
        )
    return least


def _is_as_asked(asked: int, measured: int, slack: int) -> bool:
    return asked - SHORTER_NS <= measured <= asked + max(LONGER_NS, asked // 20) + slack


async def _delay(way: _Way) -> int:
    """What a round of packets took; `_NOT_KNOWN` if the wall clock, of which the stamps are, was changed meanwhile."""
    before_ns = _wall_ahead_ns()
    excess = await _round(way)
    return _NOT_KNOWN if abs(_wall_ahead_ns() - before_ns) > SHORTER_NS else way.asked_ns() + excess


def _wall_ahead_ns() -> int:
    """CLOCK_REALTIME less CLOCK_MONOTONIC, from the quickest of some readings."""
    readings = []
    for _ in range(5):
        before = time.monotonic_ns()
        wall = time.time_ns()
        after = time.monotonic_ns()
        readings.append((after - before, wall - (before + after) // 2))
    return min(readings)[1]


async def _round(way: _Way) -> int:
    """Send some packets at once: the least that any took beyond its share of the queue and the delay asked for."""
    payloads = [struct.pack("=Q", number) + os.urandom(PAYLOAD - 8) for number in range(PACKETS)]
    limit_ns = way.asked_ns(PACKETS) + way.slack_ns(PACKETS) + PATIENCE_NS
    to = way.sink.getsockname()
    before = way.read()
    sent_ns = time.time_ns()
    for payload in payloads:
        way.source.sendto(payload, to)
    arrivals = await _collect(way.sink, limit_ns)
    excess: list[int] = []
    for i, payload in enumerate(payloads):
        packet = f"self-check of {way.name}: packet {i + 1} of {PACKETS}"
        if i == len(arrivals):
            waited = format_duration(limit_ns)
            raise SelfCheckError(f"{packet} did not arrive within {waited}: {_account(before, way.read())}")
        received, stamp = arrivals[i]
        if received != payload:
            raise SelfCheckError(f"{packet} was changed, or overtaken")
        if not stamp:
            raise SelfCheckError(f"{packet} came without the kernel's timestamp")
        seconds, nanoseconds = _TIMESPEC.unpack(stamp)
        excess.append(seconds * NS_PER_S + nanoseconds - sent_ns - way.asked_ns(i + 1))
    return min(excess)


def _account(before: HalfStats, after: HalfStats) -> str:
    """What became of a round's packets at the forwarder, in words."""

    more = HalfCounters(**after.since(before))
    return (
        f"the forwarder received {more.arrived_packets} and sent {more.delivered_packets}, "
        f"has {after.inside_packets} inside, dropped {more.dropped} and lost {more.lost}"
    )


async def _collect(sink: socket.socket, limit_ns: int) -> list[tuple[bytes, bytes]]:
    """What arrives until it is as many datagrams as were sent, or the time is over; each with its stamp, or nothing."""
    arrivals: list[tuple[bytes, bytes]] = []
    complete = asyncio.Event()

    def receive() -> None:
        with contextlib.suppress(BlockingIOError):
            while len(arrivals) < PACKETS:
                arrivals.append(_receive(sink))
            complete.set()

    loop = asyncio.get_running_loop()
    loop.add_reader(sink, receive)
    try:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(limit_ns / NS_PER_S):
                await complete.wait()
    finally:
        loop.remove_reader(sink)
    receive()  # what arrived while this process did not get to look
    return arrivals


def _receive(sink: socket.socket) -> tuple[bytes, bytes]:
    """A datagram and the kernel's time of its arrival (a struct timespec of CLOCK_REALTIME), if it gives one."""
    data, ancillary, _, _ = sink.recvmsg(2048, socket.CMSG_SPACE(_TIMESPEC.size))
    stamps = (value for level, kind, value in ancillary if (level, kind) == (socket.SOL_SOCKET, _SO_TIMESTAMPNS))
    return data, next(stamps, b"")[: _TIMESPEC.size]
