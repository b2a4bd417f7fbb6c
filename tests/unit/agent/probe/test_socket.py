"""Arrival times are the kernel's, bursts arrive as they were sent, and a clock that is set spoils no time unnoticed."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator

import pytest

from plctl.agent.probe.clock import ArrivalClock, read_clocks
from plctl.agent.probe.socket import Address, Arrival, ProbeSocket
from plctl.common.base.units import NS_PER_S


class SteppedClocks:
    """The machine's clocks, whose wall clock can be set without setting the machine's."""

    def __init__(self) -> None:
        self.step_ns = 0

    def __call__(self) -> tuple[int, int, int]:
        before_ns, wall_ns, after_ns = read_clocks()
        return before_ns, wall_ns + self.step_ns, after_ns


@pytest.fixture
def clocks() -> SteppedClocks:
    """Clocks that no one has set yet."""
    return SteppedClocks()


@pytest.fixture
def sink(clocks: SteppedClocks) -> Iterator[ProbeSocket]:
    """A bound socket that reads `clocks`."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind(("127.0.0.1", 0))
    with ProbeSocket(sock, ArrivalClock(clocks)) as sink:
        yield sink


@pytest.fixture
def source() -> Iterator[ProbeSocket]:
    """A socket to send from."""
    with ProbeSocket(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as source:
        yield source


def address(sock: ProbeSocket) -> Address:
    """Where `sock` is bound."""
    name: Address = sock.sock.getsockname()
    return name


def receive(sink: ProbeSocket, count: int) -> list[Arrival]:
    """The next `count` arrivals."""
    got: list[Arrival] = []
    while len(got) < count:
        sink.wait(time.monotonic_ns() + 10 * NS_PER_S)
        got += sink.receive()
    return got


def test_an_arrival_time_lies_between_sending_and_reading(sink: ProbeSocket, source: ProbeSocket) -> None:
    """It is CLOCK_MONOTONIC although the kernel tells CLOCK_REALTIME; 10 µs are the conversion's doubt."""
    before_ns = time.monotonic_ns()
    assert source.send(b"x" * 100, address(sink))
    (arrival,) = receive(sink, 1)
    assert before_ns - 10_000 < arrival.arrived_ns < time.monotonic_ns() + 10_000
    assert (b"x" * 100, 100, True) == (arrival.head, arrival.size, arrival.timed)


@pytest.mark.parametrize("size", [64, 1400, 9000])
def test_a_burst_arrives_packet_by_packet(sink: ProbeSocket, source: ProbeSocket, size: int) -> None:
    """Whether the kernel segments it or it goes one by one."""
    packets = [bytes([number]) * size for number in range(64)]
    assert 64 == source.send_burst(packets, address(sink))
    arrivals = receive(sink, 64)
    assert [each[:1] for each in packets] == [each.head[:1] for each in arrivals]
    assert {size} == {each.size for each in arrivals}


def test_what_the_kernel_refuses_is_counted(source: ProbeSocket) -> None:
    """A datagram that is too long does not leave, and that is no loss of the path's."""
    assert not source.send(bytes(70_000), ("127.0.0.1", 9))
    assert 1 == source.send_errors


def test_what_arrived_around_a_step_has_no_time(sink: ProbeSocket, source: ProbeSocket, clocks: SteppedClocks) -> None:
    """All that is read after the step and may have come before it; what comes later has a time again."""
    source.send_burst([b"x" * 64] * 300, address(sink))
    clocks.step_ns = NS_PER_S
    assert {False} == {each.timed for each in receive(sink, 300)}
    source.send(b"x", address(sink))
    assert [True] == [each.timed for each in receive(sink, 1)]
    assert 1 == len(sink.clock.steps)
