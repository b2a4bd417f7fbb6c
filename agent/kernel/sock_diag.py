"""Asks the kernel for the TCP sockets of one namespace and what it knows of each (linux/inet_diag.h, linux/tcp.h).

pyroute2 has a DiagSocket, but calls its request a work in progress, does not hear the kernel's refusals, and takes a
millisecond for each socket. There is one request and one answer to encode, so both are here.
"""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv6Address
from typing import NamedTuple

from plctl.agent.kernel import namespace
from plctl.common.base.errors import KernelError
from plctl.common.telemetry.socket_stats import STATES

_NETLINK_SOCK_DIAG = 4
_SOCK_DIAG_BY_FAMILY = 20
_NLMSG_ERROR, _NLMSG_DONE = 2, 3
_NLM_F_REQUEST_DUMP = 0x1 | 0x300
_INET_DIAG_INFO, _INET_DIAG_CONG = 2, 4
_EXTENSIONS = 1 << (_INET_DIAG_INFO - 1) | 1 << (_INET_DIAG_CONG - 1)
_STATE_MASK = sum(1 << number for number in STATES)
_RECEIVE_BYTES = 65_536
_TIMEOUT_S = 5

_HEADER = struct.Struct("=IHHII")  # struct nlmsghdr
_REQUEST = struct.Struct("=BBBBI48x")  # struct inet_diag_req_v2, for sockets of any address
_MESSAGE = struct.Struct("=BBBB2s2s16s16sIQIIIII")  # struct inet_diag_msg
_ATTRIBUTE = struct.Struct("=HH")  # struct nlattr
_TCP_INFO = struct.Struct("=8B24I4Q6I4Q2I2Q")  # struct tcp_info as of Linux 4.19; later kernels have more behind it


class TcpInfo(NamedTuple):
    """The head of struct tcp_info: counts in segments or bytes, times in microseconds, rates in bytes a second."""

    state: int
    ca_state: int
    retransmits: int
    probes: int
    backoff: int
    options: int
    window_scales: int
    delivery_rate_app_limited: int
    rto: int
    ato: int
    snd_mss: int
    rcv_mss: int
    unacked: int
    sacked: int
    lost: int
    retrans: int
    fackets: int
    last_data_sent: int
    last_ack_sent: int
    last_data_recv: int
    last_ack_recv: int
    pmtu: int
    rcv_ssthresh: int
    rtt: int
    rttvar: int
    snd_ssthresh: int
    snd_cwnd: int
    advmss: int
    reordering: int
    rcv_rtt: int
    rcv_space: int
    total_retrans: int
    pacing_rate: int
    max_pacing_rate: int
    bytes_acked: int
    bytes_received: int
    segs_out: int
    segs_in: int
    notsent_bytes: int
    min_rtt: int
    data_segs_in: int
    data_segs_out: int
    delivery_rate: int
    busy_time: int
    rwnd_limited: int
    sndbuf_limited: int
    delivered: int
    delivered_ce: int
    bytes_sent: int
    bytes_retrans: int


class TcpSocket(NamedTuple):
    """One socket."""

    local: str
    local_port: int
    remote: str
    remote_port: int
    cookie: int
    congestion_control: str
    info: TcpInfo


class SockDiag:
    """A socket inside the namespace `netns` through which its TCP sockets can be listed."""

    def __init__(self, netns: str) -> None:
        """Open it.

        :raises KernelError: there is no such namespace, or the kernel refuses.
        """
        self._netns = netns
        self._socket = namespace.open_socket(netns, socket.AF_NETLINK, socket.SOCK_RAW, _NETLINK_SOCK_DIAG)
        self._socket.settimeout(_TIMEOUT_S)

    def read(self) -> list[TcpSocket]:
        """All TCP sockets that are connected, or were and still have something to say.

        :raises KernelError: the kernel refuses.
        """
        try:
            return [each for family in (socket.AF_INET, socket.AF_INET6) for each in self._list(family)]
        except OSError as error:
            raise KernelError.from_os(f"list the TCP sockets in {self._netns}", error) from error

    def close(self) -> None:
        """Close it; twice is harmless."""
        self._socket.close()

    def _list(self, family: int) -> Iterator[TcpSocket]:
        request = _REQUEST.pack(family, socket.IPPROTO_TCP, _EXTENSIONS, 0, _STATE_MASK)
        size = _HEADER.size + len(request)
        self._socket.send(_HEADER.pack(size, _SOCK_DIAG_BY_FAMILY, _NLM_F_REQUEST_DUMP, 0, 0) + request)
        going_on = True
        while going_on:
            for kind, body in split(self._socket.recv(_RECEIVE_BYTES)):
                if kind == _NLMSG_DONE:
                    going_on = False
                elif kind == _NLMSG_ERROR:
                    code = -int.from_bytes(body[:4], "little", signed=True)
                    raise OSError(code, os.strerror(code))
                elif (found := parse(body)) is not None:
                    yield found


def split(data: bytes) -> Iterator[tuple[int, bytes]]:
    """(type, body) of the netlink messages that arrived together."""
    while len(data) >= _HEADER.size:
        length, kind, *_ = _HEADER.unpack_from(data)
        yield kind, data[_HEADER.size : length]
        data = data[max(_align(length), _HEADER.size) :]


def parse(body: bytes) -> TcpSocket | None:
    """The socket that a message describes; None if it says nothing of its TCP, as of one that has just ended."""
    family, _, _, _, sport, dport, source, destination, _, cookie, *_ = _MESSAGE.unpack_from(body)
    attributes = dict(_attributes(body[_MESSAGE.size :]))
    info = attributes.get(_INET_DIAG_INFO, b"")
    if len(info) < _TCP_INFO.size:
        return None
    return TcpSocket(
        local=_address(family, source),
        local_port=int.from_bytes(sport, "big"),
        remote=_address(family, destination),
        remote_port=int.from_bytes(dport, "big"),
        cookie=cookie,
        congestion_control=attributes.get(_INET_DIAG_CONG, b"").rstrip(b"\0").decode("ascii", "replace"),
        info=TcpInfo._make(_TCP_INFO.unpack_from(info)),
    )


def _attributes(data: bytes) -> Iterator[tuple[int, bytes]]:
    while len(data) >= _ATTRIBUTE.size:
        length, kind = _ATTRIBUTE.unpack_from(data)
        yield kind, data[_ATTRIBUTE.size : length]
        data = data[max(_align(length), _ATTRIBUTE.size) :]


def _address(family: int, data: bytes) -> str:
    """As people write it; an IPv4 address that an IPv6 socket has is written as IPv4."""
    if family == socket.AF_INET:
        return str(IPv4Address(data[:4]))
    address = IPv6Address(data)
    return str(address.ipv4_mapped or address)


def _align(length: int) -> int:
    return (length + 3) & ~3
