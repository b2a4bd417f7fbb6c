"""Reads trace files of TheaterQ's, a queueing discipline for Linux: durations and what holds for so long.

    KEEP,LATENCY,RATE,LOSS,LIMIT
    KEEP,LATENCY,JITTER,RATE,LOSS,LIMIT,DUP_PROB,DUP_DELAY,ROUTE_ID[,QUEUE_ID]

KEEP in µs, LATENCY and JITTER in ns, RATE in bit/s (−1: unlimited), probabilities as shares of 2³² − 1. Lines that do
not begin with a digit say nothing. Source: the README of TheaterQ (Ottens et al., 2025).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from plctl.common.base.errors import UserError
from plctl.common.base.problems import quote
from plctl.common.base.units import NS_PER_US, RATE_UNLIMITED
from plctl.common.scenario.readers.formats.records import Lines
from plctl.common.scenario.readers.reader import ReaderOption
from plctl.common.scenario.readers.trace import Part, Trace
from plctl.common.scenario.readers.trace_file import TraceFile

_LINE = re.compile(r"[0-9]{1,20}(,-?[0-9]{1,20}){4}((,-?[0-9]{1,20}){4,5})?")
_SIMPLE = ("keep", "latency", "rate", "loss", "limit")
_EXTENDED = ("keep", "latency", "jitter", "rate", "loss", "limit", "dup_prob", "dup_delay", "route_id", "queue_id")
_U32_MAX = 2**32 - 1
_PPB = 10**9
_FULL_FRAME = 1514


def _limit(text: str) -> str:
    if text not in ("packets", "bytes", "ignore"):
        raise UserError("legal are packets, bytes and ignore")
    return text


class TheaterQ:
    """The reader of them."""

    title = "a trace of TheaterQ's (durations, latencies, rates, …)"
    options: Sequence[ReaderOption] = (
        ReaderOption("limit", _limit, "ignore",
                     "What LIMIT counts: `packets`, `bytes`, or `ignore`, as it leaves out what is in flight."),
    )  # fmt: skip

    def recognises(self, lines: Sequence[str]) -> bool:
        """By five, nine or ten whole numbers on each line that begins with a digit."""
        found = [line for line in lines if line[0].isdigit()]
        return bool(found) and all(map(_LINE.fullmatch, found))

    def read(self, file: TraceFile, options: Mapping[str, Any]) -> Trace:
        """As `Reader.read`."""
        names = ("delay_ns", "rate_bps", "route", "loss_ppb", "jitter_ns", "duplicate_ppb", "queue_bytes", "queue_id")
        lines = Lines(file, *names)
        time_ns = 0
        for number, line in file.lines():
            if not line[0].isdigit():
                continue
            if not _LINE.fullmatch(line):
                lines.problems.add(number, 1, f"{quote(line)} is not 5, 9 or 10 whole numbers with commas between")
                continue
            cells = [int(cell) for cell in line.split(",")]
            record = dict(zip(_SIMPLE if len(cells) == len(_SIMPLE) else _EXTENDED, cells, strict=False))
            if fault := _fault(record):
                lines.problems.add(number, 1, fault)
                continue
            lines.add(number, time_ns, **_row(record, options["limit"]))
            time_ns += record["keep"] * NS_PER_US
        lines.check("each line begins with how long it holds, in µs")
        if options["limit"] == "ignore":
            lines.columns.pop("queue_bytes")
        return Trace((Part(lines.columns, end_ns=time_ns),), tuple(lines.warnings.found))


READER = TheaterQ()


def _fault(record: Mapping[str, int]) -> str:
    if not 0 < record["keep"] < 10**15:
        return f"KEEP {record['keep']} is out of range; legal is 1 to 10^15 µs"
    if record["rate"] < -1:
        return f"RATE {record['rate']} is negative; -1 is unlimited"
    for name in ("loss", "dup_prob"):
        if not 0 <= record.get(name, 0) <= _U32_MAX:
            return f"{name.upper()} {record[name]} is no share of {_U32_MAX}"
    for name in ("latency", "jitter", "limit", "dup_delay", "route_id", "queue_id"):
        if record.get(name, 0) < 0:
            return f"{name.upper()} {record[name]} is negative"
    if record.get("dup_delay"):
        return f"DUP_DELAY {record['dup_delay']} is not read; only 0 is"
    return ""


def _row(record: Mapping[str, int], limit: str) -> dict[str, int]:
    return {
        "delay_ns": record["latency"],
        "rate_bps": RATE_UNLIMITED if record["rate"] == -1 else record["rate"],
        "route": record.get("route_id", 0),
        "loss_ppb": round(record["loss"] * _PPB / _U32_MAX),
        "jitter_ns": record.get("jitter", 0),
        "duplicate_ppb": round(record.get("dup_prob", 0) * _PPB / _U32_MAX),
        "queue_id": record.get("queue_id", 0),
        "queue_bytes": record["limit"] * (_FULL_FRAME if limit == "packets" else 1),
    }
