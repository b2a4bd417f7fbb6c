"""What `plctl probe` prints: one-way delays, losses, duplicates and reordering of each direction."""

from __future__ import annotations

from plctl.controller.metrics.flow import FlowMetrics, NoMetricsError, Value
from plctl.controller.metrics.probe_summary import ProbeSummary, find_summaries


class Probe:
    """Reads the report that is the last line of a probe's output."""

    def read(self, output: str) -> list[FlowMetrics]:
        found = find_summaries(output)
        if not found:
            raise NoMetricsError("its last line is not the report of plctl probe")
        several = len({each.direction for each in found}) < len(found)
        return [
            FlowMetrics(f"{each.direction} {number}" if several else each.direction, _values(each))
            for number, each in enumerate(found, 1)
        ]


def _values(summary: ProbeSummary) -> dict[str, Value]:
    values: dict[str, Value] = {
        "sent_packets": summary.sent,
        "received_packets": summary.received,
        "lost_packets": summary.lost,
        "duplicates_packets": summary.duplicates,
        "reordered_packets": summary.reordered,
        "goodput_bps": summary.frame_bps,
    }
    if summary.delay_ns:
        values |= dict(
            zip(("delay_min_ns", "delay_p50_ns", "delay_p99_ns", "delay_max_ns"), summary.delay_ns, strict=True)
        )
    return {name: value for name, value in values.items() if value is not None}


READER = Probe()
