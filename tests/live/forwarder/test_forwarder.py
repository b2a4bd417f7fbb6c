"""The forwarder in real namespaces: what crosses, when, what is counted, and how it ends."""

from __future__ import annotations

import asyncio
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest
from support.raw_end import RawEnd

from plctl.agent.forwarder.client import LEDGER_NAME, ForwarderClient, Io
from plctl.agent.kernel.link_namespaces import (
    CLIENT_INTERFACE,
    SERVER_INTERFACE,
    SERVER_IPV4,
    LinkNamespaces,
    build,
    open_socket,
    remove,
)
from plctl.agent.ownership.ledger import Ledger
from plctl.common.base.errors import KernelError, WorldError
from plctl.common.base.units import NS_PER_MS, NS_PER_S, RATE_UNLIMITED
from plctl.common.plan.run_plan import Capacity, LinkPlan, Queue
from plctl.common.scenario.schedule import Row, Schedule
from plctl.common.telemetry.samples import HalfStats, LinkStats

MACS = bytes.fromhex("020000000001 020000000002".replace(" ", ""))


class Forwarder(ForwarderClient):
    """One whose links are carried by the back end that the test is about."""

    io: Io = "auto"

    async def add(self, slot: int, netns: str, plan: LinkPlan, *, io: Io | None = None) -> str:
        """As `ForwarderClient.add`, and it is that back end that carries the link, no other."""
        how = await super().add(slot, netns, plan, io=io or self.io)
        assert (io or self.io) in ("auto", how.partition(" ")[0])
        return how


@asynccontextmanager
async def forwarding(ledger: Ledger, io: Io, budget_bytes: int | None = None) -> AsyncIterator[Forwarder]:
    """A forwarder with eight slots that ends with the block."""
    client = await Forwarder.spawn(ledger, 8, budget_bytes=budget_bytes)
    client.io = io
    try:
        yield client
    finally:
        await client.close()


@pytest.fixture(params=["packet", "xdp"])
def io(request: pytest.FixtureRequest) -> Io:
    """The back end: every test that uses it runs with each."""
    return cast(Io, request.param)


@pytest.fixture
async def forwarder(ledger: Ledger, io: Io) -> AsyncIterator[Forwarder]:
    """A forwarder that lives as long as the test."""
    async with forwarding(ledger, io) as client:
        yield client


@pytest.fixture
def built(namespaces: LinkNamespaces, plan: LinkPlan, ledger: Ledger) -> Iterator[LinkNamespaces]:
    """Namespaces for a link with an MTU of 1500."""
    build(namespaces, plan, ledger)
    yield namespaces
    remove(namespaces, ledger)


def constant(delay_ns: int, rate_bps: int = RATE_UNLIMITED, **facts: object) -> LinkPlan:
    """A link that never changes, alike both ways."""
    schedule = Schedule((Row(0, 0, delay_ns, rate_bps),))
    return replace(LinkPlan("leo-0", schedule, schedule), **facts)  # type: ignore[arg-type]


@contextmanager
def ends(namespaces: LinkNamespaces) -> Iterator[tuple[RawEnd, RawEnd]]:
    """The client's end of the link and the server's."""
    with RawEnd(namespaces.client, CLIENT_INTERFACE) as client, RawEnd(namespaces.server, SERVER_INTERFACE) as server:
        yield client, server


async def reading(forwarder: Forwarder, until: Callable[[LinkStats], bool]) -> LinkStats:
    """The first reading of slot 0 that `until` accepts; every one before must add up, too."""
    async with asyncio.timeout(20):
        while not until(stats := forwarder.read(0)):
            assert_adds_up(stats.up)
            assert_adds_up(stats.down)
            await asyncio.sleep(0)
    return stats


def assert_adds_up(half: HalfStats) -> None:
    """No frame is unaccounted for."""
    assert 0 == half.unaccounted_packets


def udp_frame(size: int = 200) -> bytes:
    """An Ethernet frame of `size` bytes with an IPv4 header that says UDP."""
    head = MACS + bytes.fromhex("0800 45000000 00000000 4011 0000 c0a81602 c0a84202".replace(" ", ""))
    return head + bytes(size - len(head))


class TestFrames:
    """What crosses a link."""

    @pytest.mark.parametrize(
        "frame",
        [
            pytest.param(MACS + b"\x88\xb5" + b"opaque", id="unknown EtherType, shorter than a minimal frame"),
            pytest.param(MACS + b"\x86\xdd" + b"\x60" + os.urandom(1499), id="IPv6, full size"),
            pytest.param(b"\xff" * 6 + MACS[6:] + b"\x08\x06" + os.urandom(28), id="broadcast"),
            pytest.param(MACS + b"\x81\x00\xe1\x23\x08\x00" + os.urandom(1500), id="VLAN tag with priority, full size"),
            pytest.param(MACS + b"\x88\xa8\x00\x07\x81\x00\x00\x08\x08\x00" + os.urandom(900), id="two VLAN tags"),
        ],
    )
    @pytest.mark.parametrize("direction", ["up", "down"])
    async def test_crosses_unchanged(
        self, forwarder: Forwarder, built: LinkNamespaces, frame: bytes, direction: str
    ) -> None:
        """A frame arrives byte for byte, whatever is in it, whomever it is for, in either direction."""
        await forwarder.add(0, built.link, constant(NS_PER_MS))
        with ends(built) as pair:
            sender, receiver = pair if direction == "up" else reversed(pair)
            sender.send(frame)
            assert frame == (await receiver.receive()).data
            assert [] == sender.receive_all()

    async def test_crosses_unchanged_at_mtu_9000(
        self, forwarder: Forwarder, namespaces: LinkNamespaces, ledger: Ledger, io: Io
    ) -> None:
        """Jumbo frames cross, mixed with small ones, in order; XDP says that it cannot, and leaves them to packets."""
        plan = constant(NS_PER_MS, mtu=9000)
        build(namespaces, plan, ledger)
        if io == "xdp":
            with pytest.raises(KernelError, match="MTU 9000 is too large for XDP"):
                await forwarder.add(0, namespaces.link, plan)
            assert "packet (MTU 9000 is too large for XDP)" == await forwarder.add(0, namespaces.link, plan, io="auto")
        else:
            assert "packet" == await forwarder.add(0, namespaces.link, plan)
        frames = [MACS + b"\x88\xb5" + os.urandom(size) for size in (9000, 50, 8999, 1500, 1501)]
        with ends(namespaces) as (client, server):
            for frame in frames:
                client.send(frame)
            assert frames == [(await server.receive()).data for _ in frames]
        remove(namespaces, ledger)

    async def test_crosses_unchanged_where_many_wait(self, forwarder: Forwarder, built: LinkNamespaces) -> None:
        """More small frames than a store for full-size ones has places for: all cross, in order."""
        plan = constant(NS_PER_MS, 10_000_000, queue=Queue(capacity=Capacity("bytes", 400_000)))
        await forwarder.add(0, built.link, plan)
        frames = [MACS + b"\x88\xb5" + number.to_bytes(2) + os.urandom(48) for number in range(1900)]
        with ends(built) as (client, server):
            for frame in frames:
                client.send(frame)
            assert frames == [(await server.receive()).data for _ in frames]

    async def test_crosses_after_a_redirect(self, forwarder: Forwarder, built: LinkNamespaces) -> None:
        """A frame that a tc filter at the client's end put on the link crosses like any other."""
        tc = ("tc", "-n", built.client)
        redirect = ("action", "mirred", "egress", "redirect", "dev", CLIENT_INTERFACE)
        subprocess.run(["ip", "-n", built.client, "link", "add", "aside", "up", "type", "veth"], check=True)
        subprocess.run([*tc, "qdisc", "add", "dev", "aside", "clsact"], check=True)
        everything = ("protocol", "all", "u32", "match", "u32", "0", "0")
        subprocess.run([*tc, "filter", "add", "dev", "aside", "egress", *everything, *redirect], check=True)
        await forwarder.add(0, built.link, constant(NS_PER_MS))
        with RawEnd(built.client, "aside") as sender, RawEnd(built.server, SERVER_INTERFACE) as receiver:
            sender.send(udp_frame())
            assert udp_frame() == (await receiver.receive()).data

    async def test_ip_traffic_flows(self, forwarder: Forwarder, built: LinkNamespaces) -> None:
        """Ordinary sockets in the client's and the server's namespace reach each other."""
        await forwarder.add(0, built.link, constant(NS_PER_MS))
        loop = asyncio.get_running_loop()
        with (
            open_socket(built.server, socket.AF_INET, socket.SOCK_STREAM) as listener,
            open_socket(built.client, socket.AF_INET, socket.SOCK_STREAM) as client,
        ):
            listener.bind((SERVER_IPV4, 7))
            listener.listen()
            listener.setblocking(False)
            client.setblocking(False)
            (server, _), _ = await asyncio.gather(
                loop.sock_accept(listener), loop.sock_connect(client, (SERVER_IPV4, 7))
            )
            with server:
                await loop.sock_sendall(client, b"hello")
                assert b"hello" == await loop.sock_recv(server, 16)


class TestTime:
    """When it crosses."""

    @pytest.mark.undisturbed
    async def test_delay_is_never_less_than_asked_and_close_to_it(
        self, forwarder: Forwarder, built: LinkNamespaces
    ) -> None:
        """41.2 ms of delay are at least 41.2 ms for every frame, and within 1 ms for the luckiest."""
        asked = 41_200_000
        await forwarder.add(0, built.link, constant(asked))
        measured = []
        with ends(built) as (client, server):
            for _ in range(20):
                sent_ns = time.time_ns()
                client.send(udp_frame())
                measured.append((await server.receive()).wall_ns - sent_ns)
        assert asked <= min(measured) < asked + NS_PER_MS
        stats = await reading(forwarder, lambda stats: stats.up.delivered_packets == 20)
        assert asked <= stats.up.transit.min
        assert 20 == stats.up.transit.count == stats.up.lateness.count

    async def test_rate_paces_a_burst(self, forwarder: Forwarder, built: LinkNamespaces) -> None:
        """At 8 Mbit/s frames of 1000 bytes leave 1 ms apart: 20 of them take 20 ms, however fast they came."""
        plan = constant(0, 8_000_000, queue=Queue(capacity=Capacity("packets", 100)))
        await forwarder.add(0, built.link, plan)
        with ends(built) as (client, server):
            sent_ns = time.time_ns()
            for _ in range(20):
                client.send(udp_frame(1000))
            stamps = [(await server.receive()).wall_ns for _ in range(20)]
        assert stamps[-1] - sent_ns >= 20 * NS_PER_MS
        assert all(stamp - sent_ns >= n * NS_PER_MS for n, stamp in enumerate(stamps, 1))

    @pytest.mark.undisturbed
    async def test_starts_at_t0(self, forwarder: Forwarder, built: LinkNamespaces) -> None:
        """The scenario starts at the planned instant, not before, and says when; links share it."""
        await forwarder.add(0, built.link, constant(NS_PER_MS))
        t0_ns = time.monotonic_ns() + 50 * NS_PER_MS
        await forwarder.arm([0], t0_ns)
        assert forwarder.read(0).started_ns == 0
        stats = await reading(forwarder, lambda stats: stats.started_ns > 0)
        assert t0_ns == stats.t0_ns
        assert 0 <= stats.started_ns - t0_ns < 20 * NS_PER_MS

    @pytest.mark.undisturbed
    async def test_first_row_holds_before_t0_and_the_second_after(
        self, forwarder: Forwarder, built: LinkNamespaces
    ) -> None:
        """Scenario time counts from T0: a row at 0 + 1 ns is in force at once then, and not before."""
        schedule = Schedule((Row(0, 0, NS_PER_MS, RATE_UNLIMITED), Row(1, 0, 60 * NS_PER_MS, RATE_UNLIMITED)))
        await forwarder.add(0, built.link, LinkPlan("leo-0", schedule, schedule))
        with ends(built) as (client, server):
            client.send(udp_frame())
            await server.receive()
            assert forwarder.read(0).up.transit.max < 50 * NS_PER_MS
            await forwarder.arm([0], time.monotonic_ns() + 10 * NS_PER_MS)
            await reading(forwarder, lambda stats: stats.started_ns > 0)
            sent_ns = time.time_ns()
            client.send(udp_frame())
            assert (await server.receive()).wall_ns - sent_ns >= 60 * NS_PER_MS

    async def test_refuses_a_t0_that_has_passed(self, forwarder: Forwarder, built: LinkNamespaces) -> None:
        """A link that would start late does not start at all."""
        await forwarder.add(0, built.link, constant(NS_PER_MS))
        with pytest.raises(KernelError, match="T0 has passed"):
            await forwarder.arm([0], time.monotonic_ns() - NS_PER_S)
        assert (0, 0) == (forwarder.read(0).t0_ns, forwarder.read(0).started_ns)

    async def test_waits_for_the_first_transport_packet(self, forwarder: Forwarder, built: LinkNamespaces) -> None:
        """Other frames cross without starting the scenario; the first UDP packet starts it for both directions."""
        await forwarder.add(0, built.link, constant(NS_PER_MS, start="first-transport-packet"))
        await forwarder.trigger(0)
        with ends(built) as (client, server):
            client.send(MACS + b"\x08\x06" + bytes(28))
            await server.receive()
            assert forwarder.read(0).started_ns == 0
            before = time.monotonic_ns()
            server.send(udp_frame())
            await client.receive()
        stats = await reading(forwarder, lambda stats: stats.started_ns > 0)
        assert before <= stats.t0_ns <= stats.started_ns <= time.monotonic_ns()
        with pytest.raises(KernelError, match="started already"):
            await forwarder.trigger(0)


class TestCounting:
    """What is counted."""

    async def test_flood_is_dropped_by_the_queue_and_adds_up(self, forwarder: Forwarder, built: LinkNamespaces) -> None:
        """What exceeds the queue is dropped as queue_full; at every reading each frame is somewhere, once."""
        plan = constant(NS_PER_MS, 10_000_000, queue=Queue(capacity=Capacity("packets", 10)))
        await forwarder.add(0, built.link, plan)
        with ends(built) as (client, server):
            for _ in range(1000):
                client.send(udp_frame(1514))
            done = await reading(
                forwarder,
                lambda s: s.up.arrived_packets + s.up.lost_ring == 1000 and s.up.inside_packets == 0,
            )
            received = server.receive_all()
        up = done.up
        assert_adds_up(up)
        assert up.dropped_queue_full_packets > 500
        assert up.dropped_queue_full_bytes == 1514 * up.dropped_queue_full_packets
        assert len(received) == up.delivered_packets == up.lateness.count
        assert (0, 0, 0) == (up.lost_send, up.lost_memory, up.lost_late)
        assert done.down.arrived_packets == 0

    async def test_link_that_the_budget_cannot_hold_is_refused(
        self, ledger: Ledger, io: Io, built: LinkNamespaces
    ) -> None:
        """The refusal says what the link needs, what the others need, and the budget."""
        async with forwarding(ledger, io, budget_bytes=512 * 1024) as client:
            with pytest.raises(
                WorldError, match=r"leo-0 needs .*, the 0 links before it 0 B, .* budget is 524\.288 kB"
            ):
                await client.add(0, built.link, constant(200 * NS_PER_MS))

    async def test_spent_budget_is_an_emulator_loss(self, ledger: Ledger, io: Io, built: LinkNamespaces) -> None:
        """Frames that find no memory are counted as lost, not as dropped by the emulated queue."""
        outage = constant(0, 0, queue=Queue(capacity=Capacity("bytes", 400_000)))
        async with forwarding(ledger, io, budget_bytes=1_200_000) as client:
            await client.add(0, built.link, outage)
            with ends(built) as (sender, _):
                for _ in range(3000):
                    sender.send(udp_frame(64))
                stats = await reading(client, lambda s: s.up.arrived_packets + s.up.lost_ring == 3000)
        assert_adds_up(stats.up)
        assert stats.up.lost_memory > 0
        assert stats.up.dropped_queue_full_packets == 0

    async def test_reading_of_an_unused_slot_is_empty(self, forwarder: Forwarder) -> None:
        """A slot without a link has counted nothing."""
        assert LinkStats() == replace(forwarder.read(7), up=HalfStats(), down=HalfStats())
        assert forwarder.read(7).up.arrived_packets == 0


class TestLifecycle:
    """How links and the process come and go."""

    async def test_link_goes_under_traffic_and_comes_back(self, forwarder: Forwarder, built: LinkNamespaces) -> None:
        """A link with frames inside can be removed; its slot can be used again, counted from zero."""
        for _ in range(3):
            await forwarder.add(0, built.link, constant(500 * NS_PER_MS))
            with ends(built) as (client, _):
                for _ in range(50):
                    client.send(udp_frame())
                stats = await reading(forwarder, lambda stats: stats.up.arrived_packets == 50)
                assert 50 == stats.up.inside_packets
                await forwarder.remove(0)

    async def test_links_do_not_disturb_each_other(
        self, forwarder: Forwarder, built: LinkNamespaces, ledger: Ledger, unique: str
    ) -> None:
        """While another link comes, carries frames, and goes with some inside, not one frame of the first is lost."""
        other = LinkNamespaces.named("agent", f"{unique}b", "leo-1")
        plan = constant(20 * NS_PER_MS)
        build(other, plan, ledger)
        await forwarder.add(0, built.link, plan)
        with ends(built) as (client, server), ends(other) as (disturber, _):
            for _ in range(5):
                await forwarder.add(1, other.link, plan)
                for _ in range(50):
                    client.send(udp_frame())
                    disturber.send(udp_frame(1500))
                await forwarder.remove(1)
            assert 250 == len([await server.receive() for _ in range(250)])
        stats = await reading(forwarder, lambda stats: stats.up.delivered_packets == 250)
        assert (250, 0, 0) == (stats.up.arrived_packets, stats.up.inside_packets, stats.up.lost_ring)
        remove(other, ledger)

    async def test_many_links_come_and_go_at_once(self, forwarder: Forwarder, built: LinkNamespaces) -> None:
        """Requests are carried out side by side; each failure is its own."""
        results = await asyncio.gather(
            forwarder.add(0, built.link, constant(NS_PER_MS)),
            forwarder.add(1, "no-such-namespace", constant(NS_PER_MS)),
            forwarder.add(2, built.client, constant(NS_PER_MS)),
            return_exceptions=True,
        )
        assert [str, KernelError, KernelError] == [type(result) for result in results]
        assert "sockets in /run/netns/no-such-namespace: No such file" in str(results[1])
        assert f"find the interface for sim-veth1 in /run/netns/{built.client}: No such device" in str(results[2])

    async def test_death_is_noticed(self, ledger: Ledger, built: LinkNamespaces) -> None:
        """SIGKILL of the process resolves `died`, fails what is asked afterwards, and leaves nothing behind."""
        client = await ForwarderClient.spawn(ledger, 1)
        await client.add(0, built.link, constant(NS_PER_MS))
        os.kill(client.pid, signal.SIGKILL)
        assert "killed by SIGKILL" in await asyncio.wait_for(client.died, 10)
        with pytest.raises(WorldError, match="SIGKILL"):
            await client.remove(0)
        await client.close()
        assert ledger.find("process", LEDGER_NAME) is None

    async def test_is_in_the_ledger_while_it_lives(self, ledger: Ledger) -> None:
        """The process can be found by who cleans up after us, and is crossed out when it has ended."""
        client = await ForwarderClient.spawn(ledger, 1)
        entry = ledger.find("process", LEDGER_NAME)
        assert entry is not None
        assert client.pid == entry.facts["pid"]
        await client.close()
        await client.close()
        assert ledger.find("process", LEDGER_NAME) is None
        assert not Path(f"/proc/{client.pid}").exists()

    async def test_ends_with_its_agent(self, ledger: Ledger) -> None:
        """An agent that is killed takes its forwarder with it, though that lives in a session of its own."""
        script = (
            "import asyncio, sys, time\n"
            "from pathlib import Path\n"
            "from plctl.agent.forwarder.client import ForwarderClient\n"
            "from plctl.agent.ownership.ledger import Ledger\n"
            "async def main():\n"
            "    client = await ForwarderClient.spawn(Ledger(Path(sys.argv[1])), 1)\n"
            "    print(client.pid, flush=True)\n"
            "    await client.died\n"
            "asyncio.run(main())\n"
        )
        with subprocess.Popen(
            [sys.executable, "-c", script, str(ledger.path)], stdout=subprocess.PIPE, text=True
        ) as agent:
            assert agent.stdout is not None
            forwarder = os.pidfd_open(int(agent.stdout.readline()))
            agent.kill()
        try:
            assert [forwarder] == select.select([forwarder], [], [], 20)[0]
        finally:
            os.close(forwarder)
