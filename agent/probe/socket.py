"""A UDP socket for measuring: kernel receive timestamps, a count of its overflows, bursts in one system call."""

from __future__ import annotations

import errno
import select
import socket
import struct
import time
from collections.abc import Sequence
from typing import Any, NamedTuple

from plctl.agent.probe.clock import ArrivalClock
from plctl.agent.probe.stop import StopSignals
from plctl.agent.probe.wire import HEAD_BYTES
from plctl.common.base.errors import KernelError

# Linux names that Python 3.11 does not export.
SO_TIMESTAMPNS = 35
SO_RXQ_OVFL = 40
UDP_SEGMENT = 103

_TIMESPEC = struct.Struct("@ll")
_U32 = struct.Struct("@I")
_U16 = struct.Struct("@H")
_ANCILLARY = socket.CMSG_SPACE(_TIMESPEC.size) + socket.CMSG_SPACE(_U32.size)
_BUFFER_BYTES = 16 * 2**20
_BATCH = 256  # packets a call of `receive`: sending must not starve
_SEGMENTS_MAX = 64
_SEGMENTED_BYTES = 65_000

#: From so many datagrams on, a burst is handed over in one system call.
SEGMENTS_MIN = 8

#: (host, port) or, for IPv6, (host, port, flow, scope), as the socket module has it.
Address = tuple[Any, ...]


class Arrival(NamedTuple):
    """One datagram: its first bytes, its length, whence and when (CLOCK_MONOTONIC) it came.

    `timed` is False if a step of the wall clock makes `arrived_ns` worthless.
    """

    head: bytes
    size: int
    source: Address
    arrived_ns: int
    timed: bool


class ProbeSocket:
    """Wraps a UDP socket (which it then owns) for both roles of the probe."""

    def __init__(self, sock: socket.socket, clock: ArrivalClock | None = None) -> None:
        self.sock = sock
        self.clock = clock or ArrivalClock()
        self.overflowed = 0  #: datagrams that did not fit into the receive buffer, since it was opened
        self.send_errors = 0
        sock.setblocking(False)
        sock.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        sock.setsockopt(socket.SOL_SOCKET, SO_RXQ_OVFL, 1)
        _enlarge_buffers(sock)
        self._segments = True
        self._doubtful = False  # what is queued may have arrived before the last step
        self._buffer = memoryview(bytearray(65_536))

    def __enter__(self) -> ProbeSocket:
        return self

    def __exit__(self, *error: object) -> None:
        self.sock.close()

    def wait(self, until_ns: int, stop: StopSignals | None = None) -> None:
        """Sleep until something arrives, `stop` is asked for, or CLOCK_MONOTONIC reads `until_ns`."""
        timeout = max(0, until_ns - time.monotonic_ns()) / 1e9
        waited: list[socket.socket | StopSignals] = [self.sock] if stop is None else [self.sock, stop]
        select.select(waited, [], [], timeout)
        if stop is not None:
            stop.quiet()

    def receive(self) -> list[Arrival]:
        """What has arrived, in order, up to a batch."""
        read: list[tuple[bytes, int, Address, int]] = []
        while len(read) < _BATCH and (each := self._read()) is not None:
            read.append(each)
        if not self.clock.check():
            self._doubtful = True
        timed = not self._doubtful
        if len(read) < _BATCH:  # the queue is empty: whatever comes next, comes after the step
            self._doubtful = False
        to_monotonic = self.clock.to_monotonic
        now_ns = time.monotonic_ns()
        return [
            Arrival(head, size, source, to_monotonic(wall_ns) if timed else now_ns, timed)
            for head, size, source, wall_ns in read
        ]

    def _read(self) -> tuple[bytes, int, Address, int] | None:
        try:
            size, ancillary, _, source = self.sock.recvmsg_into([self._buffer], _ANCILLARY)
        except BlockingIOError:
            return None
        wall_ns = 0
        for _, kind, data in ancillary:
            if kind == SO_TIMESTAMPNS:
                seconds, ns = _TIMESPEC.unpack(data)
                wall_ns = seconds * 1_000_000_000 + ns
            elif kind == SO_RXQ_OVFL:
                self.overflowed = _U32.unpack(data)[0]
        return bytes(self._buffer[: min(size, HEAD_BYTES)]), size, source, wall_ns or time.time_ns()

    def send(self, packet: bytes, to: Address) -> bool:
        """Send one datagram now; False if the kernel would not take it (counted)."""
        try:
            self.sock.sendto(packet, to)
        except OSError:
            self.send_errors += 1
            return False
        return True

    def send_burst(self, packets: Sequence[bytes], to: Address) -> int:
        """Send datagrams of one size; one system call for many of them, where the kernel can segment. How many left."""
        most = min(_SEGMENTS_MAX, _SEGMENTED_BYTES // len(packets[0]))
        if self._segments and len(packets) >= SEGMENTS_MIN and most >= SEGMENTS_MIN:
            return sum(self._send_segmented(packets[at : at + most], to) for at in range(0, len(packets), most))
        return sum(self.send(packet, to) for packet in packets)

    def _send_segmented(self, packets: Sequence[bytes], to: Address) -> int:
        segment = [(socket.SOL_UDP, UDP_SEGMENT, _U16.pack(len(packets[0])))]
        try:
            self.sock.sendmsg(packets, segment, 0, to)
        except OSError as error:
            if error.errno in (errno.EIO, errno.EINVAL, errno.EMSGSIZE, errno.EOPNOTSUPP):
                self._segments = False  # this kernel or this path cannot; one by one it always goes
                return sum(self.send(packet, to) for packet in packets)
            self.send_errors += len(packets)
            return 0
        return len(packets)


def open_probe_socket(host: str, port: int, *, passive: bool) -> tuple[ProbeSocket, Address]:
    """A socket bound to `host` (`passive`), or one that can send to it; and that address.

    :raises KernelError: the name is unknown, or the address cannot be bound.
    """
    attempt = f"{'listen on' if passive else 'find'} {host or 'any address'}, UDP port {port}"
    try:
        found = socket.getaddrinfo(host or "::", port, type=socket.SOCK_DGRAM)
    except socket.gaierror as error:
        raise KernelError(f"cannot {attempt}: {error.strerror}") from None
    family, kind, protocol, _, address = found[0]
    try:
        sock = socket.socket(family, kind, protocol)
    except OSError as error:
        raise KernelError.from_os(attempt, error) from None
    try:
        if passive:
            if family == socket.AF_INET6:
                sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
            sock.bind(address)
        return ProbeSocket(sock), address
    except OSError as error:
        sock.close()
        raise KernelError.from_os(attempt, error) from None


def _enlarge_buffers(sock: socket.socket) -> None:
    """Room for bursts: past the host's limit where we may (root), else as far as it goes."""
    for forced, plain in ((33, socket.SO_RCVBUF), (32, socket.SO_SNDBUF)):  # SO_RCVBUFFORCE, SO_SNDBUFFORCE
        try:
            sock.setsockopt(socket.SOL_SOCKET, forced, _BUFFER_BYTES)
        except PermissionError:
            sock.setsockopt(socket.SOL_SOCKET, plain, _BUFFER_BYTES)
