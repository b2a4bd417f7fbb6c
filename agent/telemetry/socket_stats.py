"""Looks at the TCP sockets at both ends of links, and gathers what it sees into batches for the controller."""

from __future__ import annotations

from plctl.agent.kernel.link_names import LinkNamespaces
from plctl.agent.kernel.sock_diag import SockDiag, TcpInfo, TcpSocket
from plctl.common.base.units import NS_PER_US
from plctl.common.plan.run_plan import End
from plctl.common.telemetry.socket_stats import Flow, SocketSample, SocketSamples

#: The kernel's words for "none": u32 and u64 of ones, and TCP_INFINITE_SSTHRESH.
_NO_TIME, _NO_RATE, _NO_THRESHOLD = 2**32 - 1, 2**64 - 1, 0x7FFFFFFF
_MAX = 2**63 - 1


class LinkSockets:
    """The sockets of one link's client and server. Close it before its namespaces are removed."""

    def __init__(self, link: str, namespaces: LinkNamespaces) -> None:
        """Begin to look.

        :raises KernelError: a namespace is missing, or the kernel cannot list sockets.
        """
        self._link = link
        self._ends: dict[End, SockDiag] = {}
        try:
            self._ends["client"] = SockDiag(namespaces.client)
            self._ends["server"] = SockDiag(namespaces.server)
            for diag in self._ends.values():
                diag.read()
        except BaseException:
            self.close()
            raise

    def read(self, t_ns: int) -> list[tuple[Flow, SocketSample]]:
        """Every TCP connection's two sockets as they are now, at `t_ns`.

        :raises KernelError: the kernel refuses.
        """
        return [(_flow(self._link, end, each), sample(t_ns, each.info))
                for end, diag in self._ends.items() for each in diag.read()]  # fmt: skip

    def close(self) -> None:
        """Look no more; twice is harmless."""
        for diag in self._ends.values():
            diag.close()


class Algorithms:
    """Remembers the congestion control of the sockets that there are, and notices when one gets another."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, End, int], str] = {}

    def changes(self, samples: list[tuple[Flow, SocketSample]]) -> list[tuple[Flow, SocketSample, str]]:
        """Those of `samples`, a look at all sockets, whose socket had another one at the look before, and that one."""
        before = self._known
        self._known = {(flow.link, flow.end, flow.socket): flow.congestion_control for flow, _ in samples}
        return [
            (flow, sample, was)
            for flow, sample in samples
            if (was := before.get((flow.link, flow.end, flow.socket), flow.congestion_control))
            != flow.congestion_control
        ]


class SocketBatch:
    """Samples on their way into one message."""

    def __init__(self) -> None:
        self._samples: list[tuple[Flow, SocketSample]] = []

    def add(self, samples: list[tuple[Flow, SocketSample]]) -> None:
        """Gather."""
        self._samples += samples

    def __len__(self) -> int:
        return len(self._samples)

    def take(self) -> SocketSamples:
        """What was gathered since the last time."""
        samples, self._samples = self._samples, []
        return SocketSamples.of(samples)


def sample(t_ns: int, info: TcpInfo) -> SocketSample:
    """`info` at `t_ns` in our units; the flow's number is for `SocketSamples.of` to give."""
    return SocketSample(
        t_ns=t_ns,
        flow=0,
        state=info.state,
        cwnd_segments=info.snd_cwnd,
        cwnd_bytes=info.snd_cwnd * info.snd_mss,
        ssthresh_segments=-1 if info.snd_ssthresh >= _NO_THRESHOLD else info.snd_ssthresh,
        mss_bytes=info.snd_mss,
        srtt_ns=info.rtt * NS_PER_US if info.rtt else -1,
        rttvar_ns=info.rttvar * NS_PER_US if info.rtt else -1,
        min_rtt_ns=-1 if info.min_rtt == _NO_TIME else info.min_rtt * NS_PER_US,
        rto_ns=info.rto * NS_PER_US,
        delivery_rate_bps=min(8 * info.delivery_rate, _MAX),
        delivery_rate_app_limited=info.delivery_rate_app_limited & 1,
        pacing_rate_bps=-1 if info.pacing_rate == _NO_RATE else min(8 * info.pacing_rate, _MAX),
        bytes_acked=info.bytes_acked,
        bytes_received=info.bytes_received,
        retransmitted_segments=info.total_retrans,
        lost_segments=info.lost,
        in_flight_segments=max(0, info.unacked - info.sacked - info.lost + info.retrans),
        unsent_bytes=info.notsent_bytes,
    )


def _flow(link: str, end: End, each: TcpSocket) -> Flow:
    return Flow(
        *(link, end, each.local, each.local_port, each.remote, each.remote_port),
        congestion_control=each.congestion_control,
        socket=each.cookie,
    )
