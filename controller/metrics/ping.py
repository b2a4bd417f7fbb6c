"""What `ping` prints: losses and round-trip times, of iputils and of BusyBox.

The percentiles come from the lines of the single replies, so they need ping without -q.
"""

from __future__ import annotations

import re
import statistics

from plctl.controller.metrics.flow import FlowMetrics, NoMetricsError, Value

_NS_PER_MS = 1_000_000
_TARGET = re.compile(r"^PING (\S+)", re.MULTILINE)
_SUMMARY = re.compile(
    r"^(\d{1,12}) packets transmitted, (\d{1,12}) (?:packets )?received(?:, \+(\d{1,12}) duplicates)?", re.MULTILINE
)
_REPLY = re.compile(r"\btime=(\d{1,12}(?:\.\d{0,12})?) ms(?! ?\(DUP!\))")


class Ping:
    """Reads the output of one or several `ping` commands, one after the other."""

    def read(self, output: str) -> list[FlowMetrics]:
        begins = list(_TARGET.finditer(output))
        if not begins:
            raise NoMetricsError("no line in it begins with PING")
        ends = [*(each.start() for each in begins[1:]), len(output)]
        found = [_metrics(begin[1], output[begin.start() : end]) for begin, end in zip(begins, ends, strict=True)]
        return [FlowMetrics(_unique(index, found), each.values) for index, each in enumerate(found)]


def _metrics(target: str, output: str) -> FlowMetrics:
    summary = _SUMMARY.search(output)
    times_ns = sorted(round(float(each) * _NS_PER_MS) for each in _REPLY.findall(output))
    values: dict[str, Value] = {}
    if summary:
        sent, received = int(summary[1]), int(summary[2])
        values = {"sent_packets": sent, "received_packets": received, "lost_packets": sent - received}
        values |= {"loss_ratio": (sent - received) / sent} if sent else {}
        values |= {"duplicates_packets": int(summary[3] or 0)}
    if times_ns:
        values |= {
            "rtt_min_ns": times_ns[0],
            "rtt_mean_ns": round(statistics.fmean(times_ns)),
            "rtt_p50_ns": _percentile(times_ns, 50),
            "rtt_p99_ns": _percentile(times_ns, 99),
            "rtt_max_ns": times_ns[-1],
        }
    return FlowMetrics(target, values)


def _percentile(ordered: list[int], percent: int) -> int:
    """The smallest value that is not below `percent` in a hundred of them."""
    return ordered[-(-len(ordered) * percent // 100) - 1]


def _unique(index: int, found: list[FlowMetrics]) -> str:
    flow = found[index].flow
    before = sum(each.flow == flow for each in found[:index])
    return flow if not before else f"{flow} ({before + 1})"


READER = Ping()
