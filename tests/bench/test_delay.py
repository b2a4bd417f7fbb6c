"""By how much the delay of a lone packet differs from what was asked for, measured from outside at both ends.

Small datagrams carry the time of their sending; the kernel stamps their arrival. The error is what is left after the
delay and the service time that the scenario asks for. It includes the sender's system call and both veths, as the rows
of the redirect show, which is asked for no delay at all.
"""

from __future__ import annotations

import asyncio
import socket
import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from bench.phantomlink import NotMeasuredError
from bench.table import Table
from bench.ways import EMULATORS, Way, redirect
from support.senders import UDP_OVER_ETHERNET
from support.world import PORT, World, world

from plctl.agent.kernel.link_namespaces import SERVER_IPV4, LinkNamespaces, open_socket
from plctl.common.base.units import NS_PER_MS, NS_PER_S, NS_PER_US
from plctl.common.plan.run_plan import LinkPlan
from plctl.common.scenario.schedule import Row, Schedule

RATE_BPS = 100_000_000
DELAYS_NS = (300 * NS_PER_US, 5 * NS_PER_MS, 41_200 * NS_PER_US, 300 * NS_PER_MS)
TRIALS = 5
PROBES = 200
INTERVAL_S = 0.0025
SO_TIMESTAMPNS = 35
STAMP = struct.Struct("=q")
SERVICE_NS = (UDP_OVER_ETHERNET + STAMP.size) * 8 * NS_PER_S // RATE_BPS


def plan(delay_ns: int) -> LinkPlan:
    """A link of 100 Mbit/s."""
    schedule = Schedule((Row(0, 0, delay_ns, RATE_BPS),))
    return LinkPlan("bench", schedule, schedule)


@contextmanager
def ends(namespaces: LinkNamespaces) -> Iterator[tuple[socket.socket, socket.socket]]:
    """A socket at either end, the server's with arrival stamps."""
    with (
        open_socket(namespaces.client, socket.AF_INET, socket.SOCK_DGRAM) as client,
        open_socket(namespaces.server, socket.AF_INET, socket.SOCK_DGRAM) as server,
    ):
        server.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        server.settimeout(2)
        server.bind((SERVER_IPV4, PORT))
        client.connect((SERVER_IPV4, PORT))
        yield client, server


def probe(namespaces: LinkNamespaces) -> list[int]:
    """One-way delays in ns, in order of size."""
    with ends(namespaces) as (client, server):
        for _ in range(PROBES):
            client.send(STAMP.pack(time.time_ns()))
            time.sleep(INTERVAL_S)
        return sorted(_delay(server) for _ in range(PROBES))


def _delay(server: socket.socket) -> int:
    data, ((_, _, stamp),), _, _ = server.recvmsg(64, 64)
    seconds, nanoseconds = struct.unpack("qq", stamp)
    sent_ns: int = STAMP.unpack(data)[0]
    return int(seconds * NS_PER_S + nanoseconds - sent_ns)


async def measure(way: Way, place: World, delay_ns: int, expected_ns: int) -> tuple[float, float]:
    """Median and 99th percentile of the error, in µs."""
    async with way(place, plan(delay_ns)):
        delays_ns = await asyncio.to_thread(probe, place.namespaces)
    return tuple((delays_ns[PROBES * p // 100] - expected_ns) / NS_PER_US for p in (50, 99))  # type: ignore[return-value]


def add_rows(table: Table, what: str, errors: dict[str, list[tuple[float, float]]], missing: dict[str, str]) -> None:
    """Both percentiles of every way."""
    for index, name in enumerate(("p50", "p99")):
        trials = {way: [error[index] for error in each] for way, each in errors.items()}
        table.compare(f"{what}, {name}", "µs", trials, missing)


@pytest.mark.timeout(900)  # phantomlink may have to be built
async def test_delay_error(table: Table) -> None:
    """At 0.3, 5, 41.2 and 300 ms; nothing may be early by more than a clock's slew, and no probe is lost."""
    with world(plan(0)) as place:
        floor = [await measure(redirect, place, 0, 0) for _ in range(TRIALS)]
        add_rows(table, "delay error, no emulator", {"redirect": floor}, {})
        for delay_ns in DELAYS_NS:
            errors: dict[str, list[tuple[float, float]]] = {}
            missing: dict[str, str] = {}
            for name, way in EMULATORS.items():
                try:
                    errors[name] = [await measure(way, place, delay_ns, delay_ns + SERVICE_NS) for _ in range(TRIALS)]
                except NotMeasuredError as error:
                    missing[name] = str(error)
            add_rows(table, f"delay error, {delay_ns / NS_PER_MS:g} ms", errors, missing)
            assert min(p50 for name in ("packet", "xdp") for p50, _ in errors[name]) > 0
