"""A link whose interfaces fail while frames are sent: each is counted once, and those that come later cross again."""

from __future__ import annotations

import asyncio
import json
import os
import random
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from support.raw_end import RawEnd

from plctl.agent.forwarder.client import ForwarderClient
from plctl.agent.kernel.link_namespaces import (
    CLIENT_INTERFACE,
    LINK_CLIENT_INTERFACE,
    LINK_SERVER_INTERFACE,
    SERVER_INTERFACE,
    LinkNamespaces,
    build,
    remove,
)
from plctl.agent.ownership.ledger import Ledger
from plctl.common.base.units import NS_PER_MS, NS_PER_S, RATE_UNLIMITED
from plctl.common.plan.forwarder_options import ForwarderOptions, Io
from plctl.common.plan.run_plan import LinkPlan
from plctl.common.scenario.schedule import Row, Schedule
from plctl.common.telemetry.samples import HalfStats

HEAD = bytes.fromhex("020000000001 020000000002 88b5".replace(" ", ""))


def delayed(delay_ns: int) -> LinkPlan:
    """A link that only delays."""
    schedule = Schedule((Row(0, 0, delay_ns, RATE_UNLIMITED),))
    return LinkPlan("leo-0", schedule, schedule)


class OneWay:
    """One direction of the link in slot 0: numbered frames into it, and what became of them."""

    def __init__(self, forwarder: ForwarderClient, namespaces: LinkNamespaces, direction: str) -> None:
        up = direction == "up"
        self._forwarder, self._namespaces, self._direction = forwarder, namespaces, direction
        self._sends, self._receives = [
            (namespaces.client, CLIENT_INTERFACE),
            (namespaces.server, SERVER_INTERFACE),
        ][:: 1 if up else -1]
        self.leaves_by = LINK_SERVER_INTERFACE if up else LINK_CLIENT_INTERFACE
        self._sent = 0
        self.arrived: list[int] = []  #: numbers of the frames that came out

    def __enter__(self) -> OneWay:
        self._sender, self._receiver = RawEnd(*self._sends), RawEnd(*self._receives)
        return self

    def __exit__(self, *_: object) -> None:
        self._sender.__exit__()
        self._receiver.__exit__()

    def send(self, count: int) -> range:
        """That many frames at once; their numbers."""
        numbers = range(self._sent, self._sent + count)
        for number in numbers:
            self._sender.send(HEAD + number.to_bytes(4) + bytes(number * 37 % 1400))
        self._sent += count
        return numbers

    @property
    def half(self) -> HalfStats:
        """What the forwarder has counted; it adds up."""
        stats = self._forwarder.read(0)
        half = stats.up if self._direction == "up" else stats.down
        assert 0 == half.unaccounted_packets
        return half

    async def until(self, condition: Callable[[HalfStats], bool]) -> HalfStats:
        """What the forwarder has counted when that holds."""
        async with asyncio.timeout(20):
            while not condition(half := self.half):
                await asyncio.sleep(0.001)
        return half

    async def cross(self, count: int) -> None:
        """That many frames go in and come out: all of them, in order, nothing between them."""
        before = len(self.arrived)
        expected = list(self.send(count))
        async with asyncio.timeout(20):
            while len(self.arrived) - before < count:
                self.collect()
                await asyncio.sleep(0.001)
        assert expected == self.arrived[before:]

    async def lose(self, count: int) -> None:
        """That many frames go in, and as many are lost."""
        before = self.half.lost_send
        self.send(count)
        await self.until(lambda half: half.lost_send >= before + count)

    async def settle(self) -> HalfStats:
        """What the forwarder has counted when all that was sent has arrived and nothing is inside."""
        half = await self.until(lambda half: half.arrived_packets >= self._sent and half.inside_packets == 0)
        self.collect()
        return half

    def collect(self) -> None:
        """Read what came out."""
        for received in self._receiver.receive_all():
            if received.data.startswith(HEAD):
                self.arrived.append(int.from_bytes(received.data[len(HEAD) :][:4]))

    def ip(self, *words: str) -> None:
        """Do something to an interface of the link's own namespace."""
        subprocess.run(["ip", "-n", self._namespaces.link, "link", *words], check=True)

    def far_end(self, *words: str) -> None:
        """Do something to the interface behind the link's, of client or server."""
        netns, interface = self._receives
        subprocess.run(["ip", "-n", netns, "link", "set", interface, *words], check=True)
        self._receiver.forget_error()

    async def is_up(self) -> None:
        """Return once the interface by which frames leave has a carrier."""
        async with asyncio.timeout(20):
            while self._show(self._namespaces.link, self.leaves_by)["operstate"] != "UP":
                await asyncio.sleep(0.001)

    def kernel_received(self) -> int:
        """Frames that came out, all of them, as the kernel counts them."""
        count: int = self._show(*self._receives)["stats64"]["rx"]["packets"]
        return count

    @staticmethod
    def _show(netns: str, interface: str) -> dict[str, Any]:
        words = ["ip", "-n", netns, "-j", "-s", "link", "show", interface]
        (shown,) = json.loads(subprocess.run(words, check=True, capture_output=True).stdout)
        return dict(shown)


@pytest.fixture(params=["packet", "xdp"])
async def forwarder(request: pytest.FixtureRequest, ledger: Ledger) -> AsyncIterator[ForwarderClient]:
    """One worker for two links, by either back end."""
    io: Io = request.param
    client = await ForwarderClient.spawn(ledger, 2, ForwarderOptions(workers=1, io=io))
    yield client
    await client.close()


@pytest.fixture
async def built(
    forwarder: ForwarderClient, namespaces: LinkNamespaces, ledger: Ledger
) -> AsyncIterator[LinkNamespaces]:
    """Namespaces of a link in slot 0 that delays by a millisecond."""
    plan = delayed(NS_PER_MS)
    build(namespaces, plan, ledger)
    await forwarder.add(0, namespaces.link, plan)
    yield namespaces
    remove(namespaces, ledger)


@pytest.fixture(params=["up", "down"])
def way(request: pytest.FixtureRequest, forwarder: ForwarderClient, built: LinkNamespaces) -> Iterator[OneWay]:
    """Each direction of that link."""
    with OneWay(forwarder, built, request.param) as way:
        yield way


async def test_link_works_again_when_its_interface_does(way: OneWay) -> None:
    """What is sent while the interface is down is lost, once, and never leaves late; the first frame after it does."""
    await way.cross(100)
    lost = 0
    for burst in (1, 3, 64, 200):
        way.ip("set", way.leaves_by, "down")
        for _ in range(5):
            await way.lose(burst)
        lost += 5 * burst
        way.ip("set", way.leaves_by, "up")
        await way.is_up()
        await way.cross(burst)
    await way.cross(1000)
    half = await way.settle()
    assert lost <= half.lost_send < lost + 100  # the kernel's own few frames
    assert 100 + 1 + 3 + 64 + 200 + 1000 == len(way.arrived)


async def test_link_works_again_when_its_far_end_does(way: OneWay) -> None:
    """Without a carrier each frame is lost, once, and those after it cross."""
    await way.cross(10)
    way.far_end("down")
    for burst in (1, 3, 64, 200):
        await way.lose(burst)
    way.far_end("up")
    await way.is_up()
    await way.cross(1000)
    assert 1010 == len(way.arrived)


async def test_every_frame_is_somewhere_while_the_interface_comes_and_goes(way: OneWay) -> None:
    """Bursts meet an interface that goes down and up at any moment: each is delivered or lost, as the kernel says."""
    random.seed(7)
    await way.settle()
    before, received_before = way.half, way.kernel_received()
    for _ in range(25):
        way.ip("set", way.leaves_by, "down")
        way.send(random.choice([1, 2, 40, 200]))
        way.ip("set", way.leaves_by, "up")
        for _ in range(random.randrange(4)):
            way.send(random.choice([1, 2, 40, 200]))
            await asyncio.sleep(0)
    await way.is_up()
    await way.settle()
    await way.cross(300)
    half = await way.settle()
    assert way.kernel_received() - received_before == half.delivered_packets - before.delivered_packets
    assert sorted(set(way.arrived)) == way.arrived


async def test_all_is_lost_when_the_interface_is_deleted(way: OneWay, forwarder: ForwarderClient) -> None:
    """What is sent then is lost, once, at once; the link can be removed."""
    await way.cross(100)
    way.ip("del", way.leaves_by)
    for burst in (1, 3, 64, 200, 1000):
        await way.lose(burst)
    half = await way.until(lambda half: half.inside_packets == 0)
    assert half.lost_send >= 1268
    assert half.lateness.max < NS_PER_S
    await forwarder.remove(0)


async def test_links_whose_interfaces_failed_cost_no_cpu(
    forwarder: ForwarderClient, built: LinkNamespaces, unique: str, ledger: Ledger
) -> None:
    """While a frame takes two seconds over another link the worker sleeps, in spite of errors that nobody fetched."""
    other, plan = LinkNamespaces.named("agent", f"{unique}b", "leo-0"), delayed(2 * NS_PER_S)
    build(other, plan, ledger)
    await forwarder.add(1, other.link, plan)
    with OneWay(forwarder, built, "up") as way:
        way.ip("set", LINK_CLIENT_INTERFACE, "down")
        way.ip("del", LINK_SERVER_INTERFACE)
        before = cpu_s(forwarder.pid)
        with RawEnd(other.client, CLIENT_INTERFACE) as sender, RawEnd(other.server, SERVER_INTERFACE) as receiver:
            sender.send(HEAD)
            await receiver.receive()
    assert cpu_s(forwarder.pid) - before < 1
    remove(other, ledger)


def cpu_s(pid: int) -> float:
    """What a process has used of CPUs."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
