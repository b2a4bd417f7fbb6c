"""TCP flows of this machine's kernel through a link: what the link made of each frame, and what the kernel counted."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import statistics
import threading
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from plctl.agent.forwarder.client import ForwarderClient
from plctl.agent.kernel import namespace
from plctl.agent.kernel.link_namespaces import SERVER_IPV4, LinkNamespaces, open_socket
from plctl.agent.ownership.ledger import Ledger
from plctl.common.base.units import NS_PER_S
from plctl.common.plan.run_plan import LinkPlan
from plctl.common.telemetry.packet_log import FIELDS, RECORD
from plctl.common.telemetry.samples import HalfStats

PORT = 5300
_CHUNK = bytes(64 * 1024)


@dataclass(frozen=True)
class FlowsSeen:
    """What came of flows that all go up."""

    frames: list[dict[str, int]]  #: the packet log's records of what the link served, once all were under way
    seconds: float  #: that these are of
    up: HalfStats  #: in all
    kernel: dict[
        str, int
    ]  #: what the kernels at both ends counted: `RetransSegs` of the client, `InCEPkts` of the server

    @property
    def median_queueing_ns(self) -> int:
        """Of all frames: from arrival to the beginning of service."""
        return int(statistics.median(each["start_ns"] - each["arrival_ns"] for each in self.frames))

    @property
    def shares(self) -> list[float]:
        """Of what was served, those of the flows, the smallest first."""
        served: dict[int, int] = defaultdict(int)
        for each in self.frames:
            served[each["flow"]] += each["length"]
        return sorted(count / sum(served.values()) for count in served.values())


async def send_flows(
    link: LinkNamespaces,
    ledger: Ledger,
    plan: LinkPlan,
    controls: Sequence[str],
    *,
    warm_up_s: float,
    measured_s: float,
) -> FlowsSeen:
    """Let a flow by each of the congestion `controls` send as much as it can, over a link that is set up for `plan`."""
    before = _kernel(link)
    forwarder = await ForwarderClient.spawn(ledger, 1)
    try:
        await forwarder.add(0, link.link, plan)
        await forwarder.arm([0], time.monotonic_ns() + NS_PER_S // 100)
        log = forwarder.packet_log(0)
        assert log is not None
        with open_socket(link.server, socket.AF_INET, socket.SOCK_STREAM) as listener:
            listener.bind(("", PORT))
            listener.listen()
            until = time.monotonic() + warm_up_s + measured_s
            ends = [threading.Thread(target=_take_in, args=(listener,)) for _ in controls]
            ends += [threading.Thread(target=_send, args=(link, control, until)) for control in controls]
            for each in ends:
                each.start()
            found = []
            while any(each.is_alive() for each in ends):
                found += [records for direction, records, _ in log.read_new() if direction == "up"]
                await asyncio.sleep(0.05)
        up = await _settled(forwarder)
        found += [records for direction, records, _ in log.read_new() if direction == "up"]
    finally:
        await forwarder.close()
    after = _kernel(link)
    rows = [dict(zip(FIELDS, each, strict=True)) for records in found for each in RECORD.iter_unpack(records)]
    end_ns = max(each["end_ns"] for each in rows)
    served = [each for each in rows if each["end_ns"] > end_ns - measured_s * NS_PER_S]
    return FlowsSeen(served, measured_s, up, {name: after[name] - before[name] for name in after})


def ask_for_ecn(link: LinkNamespaces) -> None:
    """Let new connections between the ends of the link be ECN-capable, as RFC 3168 has it."""
    for end in (link.client, link.server):
        namespace.run_inside(end, lambda: Path("/proc/sys/net/ipv4/tcp_ecn").write_text("1"))


def _take_in(listener: socket.socket) -> None:
    connection, _ = listener.accept()
    with connection, contextlib.suppress(ConnectionResetError):
        while connection.recv(256 * 1024):
            pass


def _send(link: LinkNamespaces, control: str, until: float) -> None:
    with open_socket(link.client, socket.AF_INET, socket.SOCK_STREAM) as sender:
        sender.setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, control.encode())
        sender.settimeout(1)
        sender.connect((SERVER_IPV4, PORT))
        while time.monotonic() < until:
            sender.send(_CHUNK)
        sender.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")  # what is not sent is not needed


async def _settled(forwarder: ForwarderClient) -> HalfStats:
    async with asyncio.timeout(20):
        while (up := forwarder.read(0).up).inside_packets:
            await asyncio.sleep(0.01)
    return up


def _kernel(link: LinkNamespaces) -> dict[str, int]:
    client, server = (_counters(end) for end in (link.client, link.server))
    return {"RetransSegs": client["RetransSegs"], "InCEPkts": server["InCEPkts"], "InECT0Pkts": server["InECT0Pkts"]}


def _counters(netns: str) -> dict[str, int]:
    """Everything in /proc/net/snmp and netstat there."""
    found: dict[str, int] = {}
    for name in ("snmp", "netstat"):
        text = namespace.run_inside(netns, lambda name=name: Path(f"/proc/thread-self/net/{name}").read_text())  # type: ignore[misc]
        lines = [line.split()[1:] for line in text.splitlines()]
        for names, values in zip(lines[::2], lines[1::2], strict=True):
            found |= dict(zip(names, map(int, values), strict=True))
    return found
