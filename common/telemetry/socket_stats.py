"""What the kernel knows of a TCP socket at one end of a link, and how many such records travel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Self

from plctl.common.base import columns as packed
from plctl.common.plan.run_plan import End

#: The states of sockets that are looked at, by the kernel's numbers (net/tcp_states.h).
STATES = {
    1: "established", 2: "syn-sent", 4: "fin-wait-1", 5: "fin-wait-2", 8: "close-wait", 9: "last-ack", 11: "closing",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Flow:
    """A TCP socket by its addresses. `socket` tells two apart that had the same addresses one after the other."""

    link: str  #: its name
    end: End  #: whose namespace the socket is in
    local: str  #: IPv4 or IPv6 address
    local_port: int  #: of the socket
    remote: str  #: address of the other side
    remote_port: int  #: of the other side
    congestion_control: str  #: e.g. cubic
    socket: int  #: the kernel's cookie


class SocketSample(NamedTuple):
    """One socket at one moment, from its tcp_info. −1 stands for what the kernel does not know yet."""

    t_ns: int  #: CLOCK_MONOTONIC of the agent's host
    flow: int  #: index into the flows that come with it
    state: int  #: one of `STATES`
    cwnd_segments: int  #: congestion window
    cwnd_bytes: int  #: the same times the sender's segment size
    ssthresh_segments: int  #: slow-start threshold; −1: none yet
    mss_bytes: int  #: the sender's
    srtt_ns: int  #: smoothed round-trip time
    rttvar_ns: int  #: its mean deviation
    min_rtt_ns: int  #: the smallest round-trip time that was seen
    rto_ns: int  #: retransmission timeout
    delivery_rate_bps: int  #: most recent; see `delivery_rate_app_limited`
    delivery_rate_app_limited: int  #: 1: while the application had too little to send
    pacing_rate_bps: int  #: −1: not paced
    bytes_acked: int  #: since the connection began
    bytes_received: int  #: since the connection began
    retransmitted_segments: int  #: since the connection began
    lost_segments: int  #: taken for lost now
    in_flight_segments: int  #: sent, and neither acknowledged nor taken for lost
    unsent_bytes: int  #: in the send buffer


SOCKET_COLUMNS: tuple[str, ...] = SocketSample._fields


class SocketSamples:
    """Samples as they travel, known to be sound: what is `SocketStats.flows` and `.columns`."""

    __slots__ = ("_rows", "columns", "flows")

    def __init__(self, flows: tuple[Flow, ...], columns: packed.Packed) -> None:
        """Take what has travelled.

        :raises ProtocolError: the columns are others, not equally long, or refer to a flow that is not in `flows`.
        """
        self._rows = packed.rows(columns, SOCKET_COLUMNS)
        packed.check_range(columns, "flow", len(flows))
        packed.check_range(columns, "state", max(STATES) + 1)
        self.flows = flows
        self.columns = columns

    @classmethod
    def of(cls, samples: Sequence[tuple[Flow, SocketSample]]) -> Self:
        """`samples`, packed; the numbers of their flows are given here."""
        numbers = {flow: number for number, flow in enumerate(dict.fromkeys(flow for flow, _ in samples))}
        rows = (each._replace(flow=numbers[flow]) for flow, each in samples)
        return cls(tuple(numbers), packed.pack(SOCKET_COLUMNS, rows))

    def __len__(self) -> int:
        return self._rows
