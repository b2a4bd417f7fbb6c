"""Reads traces of mahimahi's: on each line the millisecond of an opportunity to deliver 1500 bytes.

The trace begins again by adding its last stamp. Source: mahimahi's `link_queue.cc` (Netravali et al., ATC '15).
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

from plctl.common.base.errors import InputError, UserError
from plctl.common.base.units import NS_PER_MS, NS_PER_S, parse_duration
from plctl.common.scenario.readers.reader import ReaderOption
from plctl.common.scenario.readers.trace import Part, Trace
from plctl.common.scenario.readers.trace_file import TraceFile

_WHOLE = re.compile(r"[0-9]+")
#: What an opportunity is worth on the link: 1500 bytes behind an Ethernet header of 14.
FRAME_BYTES = 1514
#: The latest stamp, in ms: ten years.
_LATEST_MS = 315_576_000_000


def _window_ns(text: str) -> int:
    ns = parse_duration(text)
    if ns < NS_PER_MS or ns % NS_PER_MS:
        raise UserError(f"{text!r} is not a whole number of milliseconds from 1")
    return ns


class Mahimahi:
    """The reader of them."""

    title = "a mahimahi trace (on each line the millisecond of a delivery opportunity)"
    options: Sequence[ReaderOption] = (
        ReaderOption("window", _window_ns, 0,
                     "Average the opportunities over windows of this length, e.g. `100ms`, into a rate."),
    )  # fmt: skip

    def recognises(self, lines: Sequence[str]) -> bool:
        """By whole numbers that never fall. Two lines at least: a single number is anything."""
        whole = all(map(_WHOLE.fullmatch, lines))
        return whole and len(lines) > 1 and all(int(a) <= int(b) for a, b in pairwise(lines))

    def read(self, file: TraceFile, options: Mapping[str, Any]) -> Trace:
        """As `Reader.read`."""
        if not (window_ns := options["window"]):
            raise file.refusal("is a mahimahi trace; say how to average it into a rate, e.g. window=100ms")
        counts, period_ms = _count(file, window_ns // NS_PER_MS)
        period_ns = period_ms * NS_PER_MS
        times = array("q", range(0, period_ns, window_ns))
        rates = array("q", [_rate_bps(counts.get(i, 0), min(window_ns, period_ns - at)) for i, at in enumerate(times)])
        return Trace((Part({"time_ns": times, "rate_bps": rates}, end_ns=period_ns, repeats=True),))


READER = Mahimahi()


def _rate_bps(opportunities: int, window_ns: int) -> int:
    """What delivers so many full frames in a window."""
    return round(opportunities * FRAME_BYTES * 8 * NS_PER_S / window_ns)


def stamps(file: TraceFile) -> Iterator[array[int]]:
    """The stamps in ms, a piece of the file at a time.

    :raises InputError: a line is no whole number, is less than the one before, or too late; there is none but 0.
    """
    number, last, rest = 1, 0, b""
    for piece in file.pieces():
        whole, _, rest = (rest + piece).rpartition(b"\n") if b"\n" in piece else (b"", b"", rest + piece)
        if len(rest) > 100:
            raise file.refusal("is too long for a stamp; each line has one whole number of milliseconds", number)
        found = _stamps_of(file, whole, number, last)
        if found:
            number, last = number + len(found), found[-1]
            yield found
    if rest.strip():
        found = _stamps_of(file, rest, number, last)
        last = found[-1]
        yield found
    if not last:
        raise file.refusal("has no stamp after 0; its last one says when it begins again")


def _stamps_of(file: TraceFile, lines: bytes, number: int, last: int) -> array[int]:
    """The stamps in `lines`, the first of which is the file's line `number`, after a stamp of `last`."""
    if not lines:
        return array("q")
    rows = lines.split(b"\n")
    try:
        found = array("q", map(int, rows))
    except (ValueError, OverflowError):
        raise _first_fault(file, rows, number) from None
    before = last
    if min(found) < 0 or max(found) > _LATEST_MS or found[0] < last or any(a > b for a, b in pairwise(found)):
        for index, stamp in enumerate(found):
            if not before <= stamp <= _LATEST_MS:
                why = f"is less than the one before, {before}" if stamp < before else f"is later than {_LATEST_MS}"
                raise file.refusal(f"stamp {stamp} {why}; stamps never fall", number + index, 1)
            before = stamp
    return found


def _first_fault(file: TraceFile, rows: Sequence[bytes], number: int) -> InputError:
    for index, row in enumerate(rows):
        word = row.strip().decode(errors="replace")
        if not _WHOLE.fullmatch(word):
            what = f"{word[:40]!r} is no stamp" if word else "is blank"
            return file.refusal(f"{what}; each line has one whole number of milliseconds", number + index, 1)
    return file.refusal(f"has a stamp later than {_LATEST_MS}", number)


def _count(file: TraceFile, window_ms: int) -> tuple[Mapping[int, int], int]:
    """How many stamps fall into each window, and the last stamp, which counts to the window before it."""
    counts: dict[int, int] = {}
    last = 0
    for found in stamps(file):
        for stamp in found:
            counts[stamp // window_ms] = counts.get(stamp // window_ms, 0) + 1
        last = found[-1]
    if last % window_ms == 0 and last // window_ms in counts:
        beyond = counts.pop(last // window_ms)
        counts[last // window_ms - 1] = counts.get(last // window_ms - 1, 0) + beyond
    return counts, last
