"""Peers that do not play by the rules, to be set on a hub that listens on TCP."""

from __future__ import annotations

import asyncio
import contextlib
import random
import socket
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import zmq
import zmq.asyncio

from plctl.common.plan.run_request import RunRequest
from plctl.common.protocol import messages as m
from plctl.common.protocol import requests as rq
from plctl.common.protocol import wire
from plctl.common.security.allow_list import AllowList
from plctl.common.security.enrolment import enroll, init_controller
from plctl.common.security.keys import ClientRole, KeyPair, SpokeKeys, load_controller_public, load_pair
from plctl.common.transport.hub_and_spoke import HubKeys, ZmqHub, ZmqSpoke
from plctl.common.transport.refusals import Refusal, Refusals

CONNECTIONS = 20  #: of each hostile kind in a storm
CUTS = 3  #: connections of a storm in which 1 GB is claimed; each takes a second to be judged
ANYWHERE = "tcp://127.0.0.1:*"
#: ZMTP 3.0 as a client with CURVE would begin, up to where its first frame follows.
GREETING = b"\xff" + bytes(8) + b"\x7f\x03\x00" + b"CURVE".ljust(20, b"\0") + bytes(32)
#: The beginning of a ZMTP frame that is said to be 1 GB long.
GIGABYTE = b"\x02" + (10**9).to_bytes(8, "big") + b"\x07MESSAGE"


class Site:
    """A controller's keys folder, a hub that uses it, and everybody who connects to that."""

    def __init__(self, folder: Path, refusals: Refusals) -> None:
        init_controller(folder, "ada")
        self.folder = folder
        self.allowed = AllowList(folder)
        self.refusals = refusals
        self.hub = ZmqHub(ANYWHERE, self.hub_keys(), refusals)
        self._context = zmq.asyncio.Context()
        self._spokes: list[ZmqSpoke] = []
        self._dealers: list[zmq.asyncio.Socket] = []

    @property
    def place(self) -> tuple[str, int]:
        """Host and port of the hub."""
        return "127.0.0.1", int(self.hub.address.rpartition(":")[2])

    def hub_keys(self) -> HubKeys:
        """What it takes to be this controller."""
        return HubKeys(load_pair(self.folder, "controller"), self.allowed)

    def enroll(self, name: str, role: ClientRole = "agent") -> SpokeKeys:
        """Keys for `name`, who is then on the list."""
        enroll(self.folder, name, role)
        return self.keys(name, role)

    def keys(self, name: str, role: ClientRole = "agent") -> SpokeKeys:
        """The keys of `name`, who was enrolled."""
        own = self.folder / "enrolled" / name
        return SpokeKeys(load_pair(own, role), load_controller_public(own))

    def spoke(self, keys: SpokeKeys, on_trouble: Callable[[str], None] | None = None) -> ZmqSpoke:
        """An orderly end that uses `keys`."""
        spoke = ZmqSpoke(self.hub.address, keys.pair.name, keys, on_trouble)
        self._spokes.append(spoke)
        return spoke

    def dealer(
        self, pair: KeyPair | None, identity: bytes, hub_public: str = "", address: str = ""
    ) -> zmq.asyncio.Socket:
        """A bare DEALER that calls itself whatever it likes and uses `pair`, or no CURVE at all; connects once."""
        dealer = self._context.socket(zmq.DEALER)
        self._dealers.append(dealer)
        dealer.setsockopt(zmq.LINGER, 0)
        dealer.setsockopt(zmq.RECONNECT_IVL, -1)
        if identity:
            dealer.setsockopt(zmq.IDENTITY, identity)
        if pair:
            dealer.curve_serverkey = (hub_public or load_controller_public(self.folder)).encode()
            dealer.curve_publickey, dealer.curve_secretkey = pair.public.encode(), pair.secret.encode()
        dealer.connect(address or self.hub.address)
        return dealer

    def close(self) -> None:
        """End all ends."""
        for spoke in self._spokes:
            spoke.close()
        for dealer in self._dealers:
            dealer.close()
        self._context.term()
        self.hub.close()


def say_raw(place: tuple[str, int], data: bytes) -> None:
    """Send `data` over a TCP connection and wait until the hub hangs up; without any, hang up at once. Blocks."""
    with socket.create_connection(place) as connection, contextlib.suppress(ConnectionError):
        connection.sendall(data)
        while data and connection.recv(4096):
            pass


async def until(condition: Callable[[], bool]) -> None:
    """Return once `condition` holds; a test's own time limit ends the wait."""
    while not condition():
        await asyncio.sleep(0.001)


class Injector:
    """A TCP proxy before a hub that can slip bytes into a connection, or cut it, behind the back of ZeroMQ."""

    def __init__(self) -> None:
        self.address = ""
        self._to_hub: asyncio.StreamWriter | None = None
        self._to_client: asyncio.StreamWriter | None = None

    def inject(self, data: bytes) -> None:
        """Send `data` to the hub as if the client had."""
        assert self._to_hub is not None
        self._to_hub.write(data)

    def cut(self) -> None:
        """End the connection, towards the client and towards the hub."""
        assert self._to_hub is not None
        assert self._to_client is not None
        self._to_hub.close()
        self._to_client.close()

    @asynccontextmanager
    async def before(self, place: tuple[str, int]) -> AsyncIterator[Injector]:
        """Listen, for the time of the block, at `address`."""
        tasks: set[asyncio.Task[None]] = set()

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            self._to_client = writer
            hub_reader, self._to_hub = await asyncio.open_connection(*place)
            tasks.add(asyncio.create_task(_copy(hub_reader, writer)))
            await _copy(reader, self._to_hub)

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        self.address = f"tcp://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        try:
            yield self
        finally:
            server.close()
            await asyncio.gather(*tasks)


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(65536):
            writer.write(data)
    except ConnectionError:
        pass
    finally:
        writer.close()


class Storm:
    """Everything hostile at once; mallory is an enrolled agent, eve a viewer, oscar an operator."""

    def __init__(self, site: Site, messages: int) -> None:
        """So many messages, and some connections that do not get as far."""
        self._site = site
        self._count = messages
        self._random = random.Random(7)
        self._mallory, self._eve = site.enroll("mallory").pair, site.enroll("eve", "viewer").pair
        self._oscar = site.enroll("oscar", "operator").pair
        self._expected: Counter[Refusal] = Counter()

    async def rage(self) -> Counter[Refusal]:
        """Send it all; what must be counted."""
        await asyncio.gather(self._messages(), self._connections(), self._too_long())
        return self._expected

    def _kinds(self) -> list[tuple[Refusal, zmq.asyncio.Socket, list[bytes]]]:
        mallory = self._site.dealer(self._mallory, b"mallory/1")
        thief = self._site.dealer(self._mallory, b"edge-1/" + b"0" * 32)
        eve = self._site.dealer(self._eve, b"eve/1")
        oscar = self._site.dealer(self._oscar, b"oscar/1")
        events = m.encode(m.Envelope(m.Events(10**9, ()), epoch="r"))
        release = m.encode(m.Envelope(m.Release(), id=1, epoch="r"))
        plain = wire.unpack(events)
        assert isinstance(plain, dict)
        submit = m.encode(m.Envelope(rq.Submit(RunRequest("r", 1, ())), id=7))
        unnumbered = m.encode(m.Envelope(rq.Cancel("r", "c")))
        return [
            (Refusal.FORBIDDEN, eve, [submit]),
            (Refusal.FORBIDDEN, mallory, [submit]),
            (Refusal.FORBIDDEN, oscar, [events]),
            (Refusal.FORBIDDEN, oscar, [release]),
            (Refusal.MALFORMED, oscar, [unnumbered]),
            (Refusal.MALFORMED, oscar, [wire.pack({**plain, "type": "submit", "id": 1, "body": {"request": "x"}})]),
            (Refusal.MALFORMED, mallory, [self._random.randbytes(50) + b"\xc1"]),
            (Refusal.MALFORMED, mallory, [b"\xdd\xff\xff\xff\xff"]),  # a list of 4 billion items
            (Refusal.MALFORMED, mallory, [b"\xc6\x3b\x9a\xca\x00"]),  # bytes of 1 GB
            (Refusal.MALFORMED, mallory, [b"\x91" * 5000]),  # deep nesting
            (Refusal.MALFORMED, mallory, [wire.pack({**plain, "more": 1})]),
            (Refusal.MALFORMED, mallory, [wire.pack({**plain, "body": {"number": "1", "events": []}})]),
            (Refusal.FORBIDDEN, mallory, [release]),
            (Refusal.FORBIDDEN, mallory, [wire.pack({**plain, "type": "__class__"})]),
            (Refusal.FORBIDDEN, eve, [events]),
            (Refusal.FORBIDDEN, eve, [release]),
            (Refusal.VERSION, mallory, [wire.pack({**plain, "v": 0})]),
            (Refusal.STRANGER, mallory, [events]),
            (Refusal.FRAMES, mallory, [events, events]),
            (Refusal.NAME, thief, [events]),
        ]

    async def _messages(self) -> None:
        kinds = self._kinds()
        for _ in range(self._count):
            why, sender, frames = self._random.choice(kinds)
            self._expected[why] += 1
            await sender.send_multipart(frames)

    async def _connections(self) -> None:
        site = self._site
        for n in range(CONNECTIONS):
            site.dealer(KeyPair.generate("edge-1", "agent"), b"edge-1/%d" % n)
            site.dealer(None, b"edge-1/%d" % n)
            site.dealer(self._mallory, b"mallory/%d" % n, KeyPair.generate("c", "controller").public)
            await asyncio.to_thread(say_raw, site.place, GREETING + GIGABYTE)
            await asyncio.to_thread(say_raw, site.place, b"GET / HTTP/1.1\r\n\r\n" * 10)
        self._expected[Refusal.KEY] += CONNECTIONS
        self._expected[Refusal.HANDSHAKE] += 4 * CONNECTIONS

    async def _too_long(self) -> None:
        """1 GB claimed inside an authenticated connection, once that has been heard."""
        counts = self._site.refusals.counts
        for n in range(CUTS):
            async with Injector().before(self._site.place) as injector:
                dealer = self._site.dealer(self._eve, b"eve/cut%d" % n, address=injector.address)
                await dealer.send(wire.pack({"v": 7}))
                self._expected[Refusal.VERSION] += 1
                await asyncio.wait_for(dealer.recv(), 60)  # heard and answered
                injector.inject(GIGABYTE)
                self._expected[Refusal.CUT] += 1
                await until(lambda: counts[Refusal.CUT] == self._expected[Refusal.CUT])
                dealer.close()
