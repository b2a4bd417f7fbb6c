"""One end of an emulated link as a test sees it: whole Ethernet frames out and in, and when the kernel got them."""

from __future__ import annotations

import asyncio
import socket
import struct
from dataclasses import dataclass
from typing import Self

from plctl.agent.kernel.link_namespaces import open_socket

ETH_P_ALL = 3
SOL_PACKET = 263
PACKET_AUXDATA = 8
PACKET_IGNORE_OUTGOING = 23
SO_TIMESTAMPNS = 35
SO_RCVBUFFORCE = 33
VLAN_VALID = 1 << 4
AUXDATA = struct.Struct("=IIIHHHH")


@dataclass(frozen=True)
class Received:
    """A frame, its VLAN tag in place, and when the kernel received it (CLOCK_REALTIME, ns)."""

    data: bytes
    wall_ns: int


class RawEnd:
    """A packet socket on `interface` of the namespace `netns`; a context manager."""

    def __init__(self, netns: str, interface: str) -> None:
        self._socket = open_socket(netns, socket.AF_PACKET, socket.SOCK_RAW)
        self._socket.setsockopt(SOL_PACKET, PACKET_IGNORE_OUTGOING, 1)
        self._socket.setsockopt(SOL_PACKET, PACKET_AUXDATA, 1)
        self._socket.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        self._socket.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 64 << 20)
        self._socket.bind((interface, ETH_P_ALL))
        self._socket.setblocking(False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def send(self, frame: bytes) -> None:
        """Put a frame on the link; the kernel takes it at once."""
        self._socket.send(frame)

    async def receive(self, patience_s: float = 20.0) -> Received:
        """The next frame that arrives."""
        readable = asyncio.Event()
        loop = asyncio.get_running_loop()
        loop.add_reader(self._socket, readable.set)
        try:
            async with asyncio.timeout(patience_s):
                await readable.wait()
        finally:
            loop.remove_reader(self._socket)
        return self.receive_now()

    def receive_now(self) -> Received:
        """The next frame that has arrived.

        :raises BlockingIOError: there is none.
        """
        data, ancillary, _, _ = self._socket.recvmsg(65536, 256)
        wall_ns = 0
        for _, kind, value in ancillary:
            if kind == PACKET_AUXDATA:
                status, _, _, _, _, tci, tpid = AUXDATA.unpack(value)
                if status & VLAN_VALID:
                    data = data[:12] + struct.pack("!HH", tpid, tci) + data[12:]
            elif kind == SO_TIMESTAMPNS:
                seconds, nanoseconds = struct.unpack("qq", value)
                wall_ns = seconds * 10**9 + nanoseconds
        return Received(data, wall_ns)

    def forget_error(self) -> None:
        """Go on after the interface was down, which the kernel tells once, at the next call."""
        self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)

    def receive_all(self) -> list[Received]:
        """Every frame that has arrived."""
        received = []
        while True:
            try:
                received.append(self.receive_now())
            except BlockingIOError:
                return received
