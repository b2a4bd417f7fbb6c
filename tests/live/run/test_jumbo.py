"""Frames of 9000 bytes, all the way: plan, veths, offloads, forwarder, and what two programs say to each other."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import socket
import struct
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from plctl.agent.forwarder.client import ForwarderClient
from plctl.agent.kernel.link_namespaces import SERVER_IPV4, SERVER_IPV6, LinkNamespaces, build, open_socket, remove
from plctl.agent.ownership.ledger import Ledger
from plctl.common.plan.run_plan import LinkPlan

PLCTL = [sys.executable, "-m", "plctl.common"]
MTU = 9000
UDP_BYTES = MTU - 20 - 8  # the largest datagram in one frame over IPv4
MSS = MTU - 20 - 20 - 12  # with the timestamp option
TCP_BYTES = 4_000_000
PORT = 5001
IP_MTU_DISCOVER, IP_PMTUDISC_DO = 10, 2  # linux/in.h
TCP_INFO_SND_MSS = struct.Struct("=8x2I2I")  # of struct tcp_info: rto, ato, snd_mss, rcv_mss


@pytest.fixture
async def forwarder(ledger: Ledger, namespaces: LinkNamespaces, plan: LinkPlan) -> AsyncIterator[ForwarderClient]:
    """A link with an MTU of 9000, forwarded by what `auto` chooses for it."""
    jumbo = replace(plan, mtu=MTU)
    build(namespaces, jumbo, ledger)
    client = await ForwarderClient.spawn(ledger, 1)
    assert "packet (MTU 9000 is too large for XDP)" == await client.add(0, namespaces.link, jumbo)
    yield client
    await client.close()
    remove(namespaces, ledger)


async def test_datagrams_of_8972_bytes_cross_whole(forwarder: ForwarderClient, namespaces: LinkNamespaces) -> None:
    """Each arrives as it was sent, in one frame that nobody may fragment."""
    loop = asyncio.get_running_loop()
    sent = [os.urandom(UDP_BYTES) for _ in range(50)]
    with (
        closing(open_socket(namespaces.server, socket.AF_INET, socket.SOCK_DGRAM)) as server,
        closing(open_socket(namespaces.client, socket.AF_INET, socket.SOCK_DGRAM)) as client,
    ):
        server.setblocking(False)
        server.bind((SERVER_IPV4, PORT))
        client.setsockopt(socket.IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DO)
        client.connect((SERVER_IPV4, PORT))
        for data in sent:
            client.send(data)
            assert data == await asyncio.wait_for(loop.sock_recv(server, 65536), 20)
    async with asyncio.timeout(20):
        while (up := forwarder.read(0).up).delivered_packets < 50:  # counted after it left
            await asyncio.sleep(0)
    assert 50 * (UDP_BYTES + 42) == up.delivered_bytes


@pytest.mark.parametrize(("family", "address"), [(socket.AF_INET, SERVER_IPV4), (socket.AF_INET6, SERVER_IPV6)])
async def test_a_tcp_stream_in_jumbo_segments_arrives_intact(
    family: int, address: str, forwarder: ForwarderClient, namespaces: LinkNamespaces
) -> None:
    """Four megabytes over IPv4 and IPv6: not a bit differs, and the sender's segments are longer than 8000 bytes."""
    data = os.urandom(TCP_BYTES)
    with (
        closing(open_socket(namespaces.server, family, socket.SOCK_STREAM)) as server,
        closing(open_socket(namespaces.client, family, socket.SOCK_STREAM)) as client,
    ):
        server.bind((address, PORT))
        server.listen()
        for each in (server, client):
            each.setblocking(False)
        async with asyncio.timeout(60):
            received = await talk(server, client, address, data)
    assert hashlib.sha256(data).digest() == hashlib.sha256(received).digest()
    up = forwarder.read(0).up
    assert 0 == up.lost
    assert up.delivered_bytes > TCP_BYTES


async def talk(server: socket.socket, client: socket.socket, address: str, data: bytes) -> bytes:
    """What the server hears when the client says `data`."""
    loop = asyncio.get_running_loop()
    await loop.sock_connect(client, (address, PORT))
    peer, _ = await loop.sock_accept(server)
    sending = asyncio.create_task(loop.sock_sendall(client, data))
    received = bytearray()
    with closing(peer):
        while len(received) < len(data):
            received += await loop.sock_recv(peer, 1 << 20)
    await sending
    _, _, segment_bytes, _ = TCP_INFO_SND_MSS.unpack(client.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 24))
    assert 8000 < segment_bytes <= MSS
    return bytes(received)


def test_a_run_spec_may_ask_for_jumbo_frames(tmp_path: Path) -> None:
    """`mtu: 9000` in a spec: its probe's packets of 8900 bytes all arrive, and run.json says what carried them."""
    (tmp_path / "still.csv").write_text("Time[ms],RouteID,Delay[ms],Btldr[Mbps]\n0,0,5,100\n")
    (tmp_path / "jumbo.yaml").write_text(
        """
links:
  - name: jumbo
    scenario: still.csv
    mtu: 9000
    workload:
      - {at: server, command: [plctl, probe, server], ready: {udp: 8622}}
      - {at: client, command: "plctl probe client {server} --rate 200pps --count 200 --size 8900", start: 0s}
"""
    )
    command = [*PLCTL, "run", "jumbo.yaml", "--no-report", "--json"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=100, check=False)
    (folder,) = (tmp_path / "runs").iterdir()
    (link,) = json.loads((folder / "run.json").read_text())["links"]
    assert link["verdict"] in ("ok", "late", "skewed"), done.stderr
    assert "packet (MTU 9000 is too large for XDP)" == link["io"]
    report = json.loads((folder / "artifacts" / "jumbo" / "client.stdout").read_text())
    assert (200, 0) == (report["up"]["total"]["received"], report["up"]["total"]["lost"])
    assert 200 * 8900 < link["result"]["up"]["delivered_bytes"]
