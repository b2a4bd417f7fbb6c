"""The figures of a packet log as people read them: a sentence and a table for each direction."""

from __future__ import annotations

from collections.abc import Iterator

from plctl.common.base.units import format_duration
from plctl.controller.packets.stats import RANKS, PacketSummary

_WAYS = {"up": "up (client → server)", "down": "down (server → client)"}
_LABELS = {"sojourn": "sojourn", "in_flight": "in flight", "lateness": "lateness", "one_way": "one-way delay"}
_HEADERS = ("min", "median", "90 %", "99 %", "99.9 %", "max")
_LABEL_WIDTH = 13
_WIDTH = 11  # of a figure; a line has 79 characters


def lines(summary: PacketSummary) -> Iterator[str]:
    """What to print of one direction."""
    yield f"{_WAYS[summary.direction]}: {_counts(summary)}"
    if summary.unlogged:
        yield f"THE LOG IS NOT COMPLETE: it had no room for {summary.unlogged} packets"
    if summary.unlogged is None:
        yield "the log may not be complete: its host has not told, or could not any more"
    if len(summary.sent.t_s):
        yield _line("", _HEADERS)
        for name, ranks in summary.spreads().items():
            yield _line(_LABELS[name], [format_duration(ranks[rank]) for rank in RANKS])


def _counts(summary: PacketSummary) -> str:
    counts = ", ".join(f"{count} {verdict}" for verdict, count in sorted(summary.verdicts.items())) or "no packets"
    return counts + (f"; {summary.before_t0} before T0" if summary.before_t0 else "")


def _line(label: str, figures: tuple[str, ...] | list[str]) -> str:
    return f"{label:<{_LABEL_WIDTH}}" + "".join(f"{figure:>{_WIDTH}}" for figure in figures)
