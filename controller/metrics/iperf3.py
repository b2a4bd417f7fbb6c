"""What `iperf3 --json` prints: goodput, retransmissions and round-trip times of each stream.

Source: iperf 3.x, `iperf_json_finish` and the fields that iperf_api.c prints. Round-trip times are
in microseconds there.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

from plctl.controller.metrics.flow import FlowMetrics, NoMetricsError, Value
from plctl.controller.metrics.plain_json import documents, inside, number, objects

_NS_PER_US = 1000
_NS_PER_MS = 1_000_000


class Iperf3:
    """Reads the output of `iperf3 -J`, of a client or of a server that served one or several."""

    def read(self, output: str) -> list[FlowMetrics]:
        tests = [each for each in documents(output) if "end" in each or "error" in each]
        if not tests:
            raise NoMetricsError("a JSON document is in it, but none of iperf3: give iperf3 the option -J")
        found = [
            flow
            for count, each in enumerate(tests, 1)
            for flow in _flows(each, f"test {count} " if len(tests) > 1 else "")
        ]
        if not found:
            error = next((each["error"] for each in tests if each.get("error")), "it counted no stream")
            raise NoMetricsError(f"iperf3 says: {error}")
        return found


def _flows(test: Any, prefix: str) -> Iterator[FlowMetrics]:
    for stream in objects(inside(test, "end", "streams")):
        udp = inside(stream, "udp")
        values = _udp(udp, test) if isinstance(udp, dict) else _tcp(stream, test)
        socket = next(
            (inside(stream, side, "socket") for side in ("udp", "sender", "receiver") if inside(stream, side)), None
        )
        known = {name: value for name, value in values.items() if value is not None}
        yield FlowMetrics(f"{prefix}stream {socket}", known)


def _tcp(stream: Any, test: Any) -> dict[str, Value]:
    sender, receiver = (partial(inside, stream, side) for side in ("sender", "receiver"))
    # iperf3 writes 0 where it was not told: a sending server knows nothing of the receiver, a receiver no RTT.
    received = _nonzero(receiver("bytes"))
    return {
        "goodput_bps": number(receiver("bits_per_second")) if received else None,
        "received_bytes": received,
        "sent_bytes": _nonzero(sender("bytes")),
        "duration_s": number(receiver("seconds")) or number(sender("seconds")),
        "retransmitted_segments": number(sender("retransmits")),
        "cwnd_max_bytes": _nonzero(sender("max_snd_cwnd")),
        "rtt_min_ns": _nonzero(sender("min_rtt"), _NS_PER_US),
        "rtt_mean_ns": _nonzero(sender("mean_rtt"), _NS_PER_US),
        "rtt_max_ns": _nonzero(sender("max_rtt"), _NS_PER_US),
        "congestion_control": _word(inside(test, "end", "sender_tcp_congestion")),
    }


def _udp(udp: dict[str, Any], test: Any) -> dict[str, Value]:
    sent, lost = number(udp.get("packets")), number(udp.get("lost_packets"))
    ratio = lost / sent if sent and lost is not None else None
    return {
        "goodput_bps": _udp_goodput_bps(udp, ratio, test),
        "sent_packets": sent,
        "lost_packets": lost,
        "loss_ratio": ratio,
        "jitter_ns": _nonzero(udp.get("jitter_ms"), _NS_PER_MS),
        "reordered_packets": number(udp.get("out_of_order")),
        "duration_s": number(udp.get("seconds")),
    }


def _udp_goodput_bps(udp: dict[str, Any], loss_ratio: float | None, test: Any) -> float | None:
    """What was received. A sender's stream says what was sent; a receiver's says 0, and only the sum is right."""
    if len(objects(inside(test, "end", "streams"))) == 1 and (
        known := _nonzero(inside(test, "end", "sum_received", "bits_per_second"))
    ):
        return known
    sent_bps = _nonzero(udp.get("bits_per_second"))
    return None if sent_bps is None or loss_ratio is None else sent_bps * (1 - loss_ratio)


def _nonzero(value: object, factor: int = 1) -> float | int | None:
    """`value` times `factor`; None for 0, which stands for what is not known."""
    known = number(value)
    if not known:
        return None
    return known if factor == 1 else number(round(known * factor))


def _word(value: object) -> str | None:
    return value if isinstance(value, str) else None


READER = Iperf3()
