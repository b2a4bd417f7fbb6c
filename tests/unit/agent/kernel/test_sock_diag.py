"""What the kernel says of a socket is read as it is meant, whatever lies around it."""

from __future__ import annotations

import socket
import struct

from plctl.agent.kernel.sock_diag import TcpInfo, parse, split
from plctl.agent.telemetry.socket_stats import sample

INFO_SIZE = struct.calcsize("=8B24I4Q6I4Q2I2Q")


def tcp_info(**values: int) -> bytes:
    """The kernel's struct, zero but for `values`, with what a later kernel has behind it."""
    info = TcpInfo(*[0] * len(TcpInfo._fields))._replace(**values)
    return struct.pack("=8B24I4Q6I4Q2I2Q", *info) + b"\xaa" * 28


def attribute(kind: int, data: bytes) -> bytes:
    """A netlink attribute, padded."""
    return (struct.pack("=HH", 4 + len(data), kind) + data).ljust((len(data) + 7) & ~3, b"\0")


def message(family: int, source: bytes, destination: bytes, *attributes: bytes) -> bytes:
    """struct inet_diag_msg and attributes."""
    head = struct.pack("=BBBB", family, 1, 0, 0) + struct.pack(">HH", 40000, 5201)
    addresses = source.ljust(16, b"\0") + destination.ljust(16, b"\0")
    return head + addresses + struct.pack("=IQIIIII", 0, 77, 0, 0, 0, 0, 0) + b"".join(attributes)


def test_a_socket_is_read_from_its_message() -> None:
    """Addresses, ports, cookie, congestion control and tcp_info, in whatever order the attributes come."""
    data = message(
        socket.AF_INET,
        bytes([192, 168, 22, 2]),
        bytes([192, 168, 66, 2]),
        attribute(8, b"\0"),
        attribute(4, b"cubic\0"),
        attribute(2, tcp_info(snd_cwnd=10, snd_mss=1448, rtt=41_000)),
    )
    found = parse(data)
    assert found is not None
    assert ("192.168.22.2", 40000, "192.168.66.2", 5201, 77, "cubic") == found[:6]
    assert (10, 1448, 41_000) == (found.info.snd_cwnd, found.info.snd_mss, found.info.rtt)


def test_an_ipv4_address_in_an_ipv6_socket_is_written_as_ipv4() -> None:
    """So that both ends of a connection show the same addresses."""
    mapped = b"\0" * 10 + b"\xff\xff" + bytes([192, 168, 22, 2])
    found = parse(message(socket.AF_INET6, mapped, b"\xfd\x66" + b"\0" * 13 + b"\2", attribute(2, tcp_info())))
    assert found is not None
    assert ("192.168.22.2", "fd66::2") == (found.local, found.remote)


def test_a_socket_without_tcp_info_is_left_out() -> None:
    """The kernel has none of sockets that have just ended; half a struct is none either."""
    for attributes in ((), (attribute(2, b"\0" * (INFO_SIZE - 1)),)):
        assert parse(message(socket.AF_INET, b"", b"", *attributes)) is None


def test_messages_that_arrive_together_are_parted() -> None:
    """Each has a length and is padded to four bytes; what is cut off at the end is none."""

    def framed(kind: int, body: bytes) -> bytes:
        return (struct.pack("=IHHII", 16 + len(body), kind, 0, 0, 0) + body).ljust((16 + len(body) + 3) & ~3, b"\0")

    assert [(20, b"abc"), (3, b"wxyz")] == [*split(framed(20, b"abc") + framed(3, b"wxyz") + b"\1")]


def test_units_are_ours_and_unknown_is_minus_one() -> None:
    """Nanoseconds and bit/s; the kernel's words for none, infinite and unpaced are −1, and no rate overflows."""
    info = TcpInfo(*[0] * len(TcpInfo._fields))._replace(
        snd_cwnd=10, snd_mss=1448, snd_ssthresh=0x7FFFFFFF, rtt=41_000, rttvar=500, min_rtt=40_000, rto=240_000,
        delivery_rate=2_500_000, delivery_rate_app_limited=0xFF, pacing_rate=2**64 - 1,
        unacked=12, sacked=3, lost=2, retrans=1,
    )  # fmt: skip
    found = sample(5, info)
    assert (5, 14_480, -1, 41_000_000, 500_000, 40_000_000, 240_000_000) == (
        found.t_ns, found.cwnd_bytes, found.ssthresh_segments, found.srtt_ns, found.rttvar_ns, found.min_rtt_ns,
        found.rto_ns,
    )  # fmt: skip
    assert (20_000_000, 1, -1, 8) == (
        found.delivery_rate_bps, found.delivery_rate_app_limited, found.pacing_rate_bps, found.in_flight_segments,
    )  # fmt: skip
    fresh = sample(5, info._replace(rtt=0, min_rtt=2**32 - 1, snd_ssthresh=20, pacing_rate=2**63))
    assert (-1, -1, -1, 20, 2**63 - 1) == (
        fresh.srtt_ns, fresh.rttvar_ns, fresh.min_rtt_ns, fresh.ssthresh_segments, fresh.pacing_rate_bps,
    )  # fmt: skip
