"""Reads traces of mahimahi's: on each line the millisecond of an opportunity to deliver 1500 bytes.

The trace begins again by adding its last stamp. Opportunities stay as they are; the rows have their mean rate over
windows, by which queues in BDP are sized, or which serves in their place.

Source: mahimahi's `link_queue.cc` (Netravali et al., ATC '15).
"""

from __future__ import annotations

import json
import re
from array import array
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, pairwise
from operator import sub
from typing import Any

from plctl.common.base import leb128
from plctl.common.base.errors import InputError, UserError
from plctl.common.base.units import NS_PER_MS, NS_PER_S, format_size, parse_duration
from plctl.common.scenario.opportunities import MAX_GAP_BYTES, WORTH_BYTES, Opportunities, count_windows
from plctl.common.scenario.readers.reader import SERVICE, WORTH, ReaderOption
from plctl.common.scenario.readers.trace import Part, Trace
from plctl.common.scenario.readers.trace_file import TraceFile
from plctl.common.scenario.schedule import MAX_ROWS

_WHOLE = re.compile(r"[0-9]{1,18}")
#: Over which the rate of a row is the mean where nobody says it.
_WINDOW_NS = NS_PER_S
#: The latest stamp, in ms: ten years.
_LATEST_MS = 315_576_000_000
_LONG_LINE = 100


def _window_ns(text: str) -> int:
    ns = parse_duration(text)
    if ns < NS_PER_MS or ns % NS_PER_MS:
        raise UserError(f"{text!r} is not a whole number of milliseconds from 1")
    return ns


class Mahimahi:
    """The reader of them."""

    title = "a mahimahi trace (on each line the millisecond of a delivery opportunity)"
    options: Sequence[ReaderOption] = (
        SERVICE,
        WORTH,
        ReaderOption("window", _window_ns, 0,
                     "Serve by the mean rate over windows of this length, e.g. `100ms`; with `service=opportunities` "
                     "it is only the rate of the rows, which is else the mean over `1s`."),
    )  # fmt: skip

    def recognises(self, lines: Sequence[str]) -> bool:
        """By whole numbers that never fall. Two lines at least: a single number is anything."""
        whole = all(map(_WHOLE.fullmatch, lines))
        return whole and len(lines) > 1 and all(int(a) <= int(b) for a, b in pairwise(lines))

    def read(self, file: TraceFile, options: Mapping[str, Any]) -> Trace:
        """As `Reader.read`."""
        window_ns = options["window"] or _WINDOW_NS
        gathered = _Gathered(file, window_ns // NS_PER_MS)
        for stamps, gaps in _stamps(file):
            gathered.add(stamps, gaps)
        trace = gathered.trace(options["bytes"] or WORTH_BYTES)
        times = array("q", range(0, trace.period_ns, window_ns))
        counts = zip(times, gathered.counts, strict=True)
        rates = array("q", [trace.rate_bps(n, min(window_ns, trace.period_ns - at)) for at, n in counts])
        by_rate = options["service"] == "rate" or (options["window"] and not options["service"])
        columns = {"time_ns": times, "rate_bps": rates}
        return Trace((Part(columns, end_ns=trace.period_ns, repeats=True, opportunities=None if by_rate else trace),))


READER = Mahimahi()


class _Gathered:
    """What the stamps of a file come to, a piece of it at a time."""

    def __init__(self, file: TraceFile, window_ms: int) -> None:
        self._file = file
        self._window_ms = window_ms
        self._gaps: list[bytes] = []
        self._length = 0
        self.counts = array("q")  #: how many there are in each window
        self._last_ms = 0

    def add(self, stamps: Sequence[int], gaps: Sequence[int]) -> None:
        """Add stamps and their differences to those before.

        :raises InputError: they are too many.
        """
        self._gaps.append(leb128.encode(gaps))
        self._length += len(self._gaps[-1])
        if self._length > MAX_GAP_BYTES:
            text = f"has more opportunities than fit into {format_size(MAX_GAP_BYTES)}; make parts of it"
            raise self._file.refusal(text)
        self._last_ms = stamps[-1]
        windows = max(1, -(-self._last_ms // self._window_ms))
        if windows > MAX_ROWS:
            raise self._file.refusal(f"has more than {MAX_ROWS} windows of {self._window_ms} ms; say a longer window")
        self.counts.extend(array("q", bytes(8 * (windows - len(self.counts)))))
        count_windows(stamps, self._window_ms, self.counts)

    def trace(self, worth_bytes: int) -> Opportunities:
        """The trace, which begins again at its last stamp.

        :raises InputError: there is none later than 0.
        """
        if not self._last_ms:
            raise self._file.refusal("has no stamp after 0; its last one says when it begins again")
        return Opportunities(b"".join(self._gaps), NS_PER_MS, self._last_ms * NS_PER_MS, worth_bytes)


def _stamps(file: TraceFile) -> Iterator[tuple[list[int], list[int]]]:
    """The stamps in ms, and each one's difference to the one before, a piece of the file at a time.

    :raises InputError: a line is no whole number, is less than the one before, or too late.
    """
    number, last, rest = 1, 0, b""
    for piece in chain(file.pieces(), [b""]):
        whole, _, rest = (rest + piece).rpartition(b"\n") if b"\n" in piece else (b"", b"", rest + piece)
        if len(rest) > _LONG_LINE:
            raise file.refusal("is too long for a stamp; each line has one whole number of milliseconds", number)
        lines = whole if piece else rest.strip()
        if not lines:
            continue
        found = _numbers(file, lines, number)
        gaps = [*map(sub, found, chain([last], found))]
        if min(gaps) < 0 or found[-1] > _LATEST_MS:
            raise _first_misfit(file, found, number, last)
        number, last = number + len(found), found[-1]
        yield found, gaps


def _numbers(file: TraceFile, lines: bytes, number: int) -> list[int]:
    """The numbers in `lines`, the first of which is the file's line `number`."""
    try:
        if not lines.translate(None, b"0123456789\n"):  # then it is a list in JSON, which is read twice as fast
            return list(json.loads(b"[" + lines.replace(b"\n", b",") + b"]"))
    except ValueError:
        pass  # a line is blank, or begins with 0
    rows = lines.split(b"\n")
    try:
        return [*map(int, rows)]
    except ValueError:
        raise _first_fault(file, rows, number) from None


def _first_misfit(file: TraceFile, found: Sequence[int], number: int, before: int) -> InputError:
    """What is wrong with the first stamp that is too early or too late."""
    earlier = [before, *found]
    place = next(i for i, stamp in enumerate(found) if not earlier[i] <= stamp <= _LATEST_MS)
    stamp = found[place]
    why = f"is less than the one before, {earlier[place]}" if stamp < earlier[place] else f"is later than {_LATEST_MS}"
    return file.refusal(f"stamp {stamp} {why}; stamps never fall", number + place, 1)


def _first_fault(file: TraceFile, rows: Sequence[bytes], number: int) -> InputError:
    for index, row in enumerate(rows):
        word = row.strip().decode(errors="replace")
        if not _WHOLE.fullmatch(word):
            what = f"{word[:40]!r} is no stamp" if word else "is blank"
            return file.refusal(f"{what}; each line has one whole number of milliseconds", number + index, 1)
    return file.refusal(f"has a stamp later than {_LATEST_MS}", number)
