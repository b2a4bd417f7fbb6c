"""What programs print of every interval or reply, as curves: iperf3's throughput, and the round-trip times of ping.

Times are seconds since the program began its measurement, which is a connection's setup later than its execution.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from plctl.controller.metrics.flow import NoMetricsError
from plctl.controller.metrics.plain_json import documents, inside, number

_REPLY = re.compile(r"\b(?:icmp_)?seq=(\d{1,12})\b.*?\btime=(\d{1,12}(?:\.\d{0,12})?) ms(?! ?\(DUP!\))")
_INTERVAL = re.compile(r"(?:^|\s)-[a-zA-Z]*i\s*(\d{0,6}(?:\.\d{0,9})?)")
#: What ping waits between two requests by default.
_PING_INTERVAL_S = 1.0


@dataclass(frozen=True, slots=True)
class OverTime:
    """One curve: value i is of the time from `start_s[i]` to `end_s[i]`."""

    what: Literal["rate", "rtt"]  #: bit/s of payload, or ms
    words: str  #: which figure of the program
    sends: bool  #: the program itself sent it; else its peer did
    start_s: tuple[float, ...]
    end_s: tuple[float, ...]
    values: tuple[float, ...]


def over_time(output: str, command: Sequence[str]) -> list[OverTime]:
    """The curves in what `command` printed; none if it is a program that this module does not know."""
    if "PING " in output:
        return list(_ping(output, " ".join(command)))
    try:
        tests = documents(output)
    except NoMetricsError:
        return []
    return [curve for test in tests for curve in _iperf3(test)]


def _ping(output: str, command: str) -> Iterator[OverTime]:
    asked = _INTERVAL.search(command)
    try:
        interval_s = float(asked[1]) if asked else _PING_INTERVAL_S
    except ValueError:
        interval_s = _PING_INTERVAL_S
    replies = [(int(seq), float(ms)) for seq, ms in _REPLY.findall(output)]
    first = 0 if replies and replies[0][0] == 0 else 1  # BusyBox counts from 0
    begins = tuple((seq - first) * interval_s for seq, _ in replies)
    if replies:
        yield OverTime("rtt", "ping", True, begins, begins, tuple(ms for _, ms in replies))


def _iperf3(test: Any) -> Iterator[OverTime]:
    intervals = inside(test, "intervals")
    intervals = intervals if isinstance(intervals, list) else []
    reverse = bool(inside(test, "start", "test_start", "reverse"))
    for name in ("sum", "sum_bidir_reverse"):
        rows = [row for each in intervals if (row := _row(inside(each, name), reverse))]
        for sends in (True, False):
            of_one = [row[:3] for row in rows if row[3] is sends]
            if of_one:
                start_s, end_s, values = zip(*of_one, strict=True)
                yield OverTime("rate", f"iperf3, {'sent' if sends else 'received'}", sends, start_s, end_s, values)


def _row(total: Any, reverse: bool) -> tuple[float, float, float, bool] | None:
    """Start, end, bit/s, and whether iperf3 sent it; older ones do not say, but whether the test was reversed."""
    start_s, end_s, rate_bps = (number(inside(total, name)) for name in ("start", "end", "bits_per_second"))
    if start_s is None or end_s is None or rate_bps is None or inside(total, "omitted") is True:
        return None
    said = inside(total, "sender")
    return float(start_s), float(end_s), float(rate_bps), said if isinstance(said, bool) else not reverse
