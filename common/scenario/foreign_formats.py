"""Recognises traces of other tools, so that who brings one is told what it is and what to bring instead."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from itertools import islice, pairwise

#: Lines that are looked at.
_SAMPLE = 100
_WHOLE = re.compile(r"[0-9]+")


def foreign_format(text: str) -> str:
    """What trace of another tool `text` is, as the end of "is …"; empty if it is none that is known here."""
    lines = (line.strip() for line in text[:65536].splitlines())
    sample = list(islice((line for line in lines if line and not line.startswith("#")), _SAMPLE))
    return next((name for name, fits in _FORMATS if sample and fits(sample)), "")


def _all(pattern: str) -> Callable[[Sequence[str]], bool]:
    compiled = re.compile(pattern)
    return lambda lines: all(compiled.fullmatch(line) for line in lines)


def _first(pattern: str) -> Callable[[Sequence[str]], bool]:
    compiled = re.compile(pattern, re.IGNORECASE)
    return lambda lines: bool(compiled.match(lines[0]))


def _is_mahimahi(lines: Sequence[str]) -> bool:
    """Two lines at least: a single number is anything."""
    whole = all(map(_WHOLE.fullmatch, lines))
    return whole and len(lines) > 1 and all(int(a) <= int(b) for a, b in pairwise(lines))


def _is_netem_trace(lines: Sequence[str]) -> bool:
    return lines[0].startswith(("{", "[")) and any("Config" in line for line in lines)


_FORMATS: tuple[tuple[str, Callable[[Sequence[str]], bool]], ...] = (
    ("a mahimahi trace (on each line the millisecond of a delivery opportunity)", _is_mahimahi),
    ("a list of one number a line, as LeoReplayer has them for delays", _all(r"[0-9]+(\.[0-9]+)?")),
    ("a trace of rattan's, in the format of netem-trace", _is_netem_trace),
    ("a trace derived from Hypatia's (at, delay, stddev, …)", _first("at *, *delay *, *stddev")),
    ("a list of times and round-trip times, as Hypatia writes them", _all("[0-9]+,[0-9]+")),
    ("a list of times and paths, as Hypatia writes them", _all("[0-9]+,([0-9]+(-[0-9]+)+|Unreachable)")),
    ("a trace of LeoEM's (time, nodes and delays between dollar signs)", _all(r"[0-9.]+\$.*")),
    ("a trace of TheaterQ's (durations, latencies, rates, …)", _all("[0-9]+(,-?[0-9]+){4}((,-?[0-9]+){4,6})?")),
)
