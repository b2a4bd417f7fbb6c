"""Writes the figures of the page on performance, from what `make bench` wrote and `make publish` put beside this file.

docs/performance/bench.json holds sessions: the machine, the time and the commit of each, and its rows. A part that is
measured again takes its place in the newest session, so that each figure stands under the machine that it is of.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tables import table

BENCH = Path(__file__).parent / "performance/bench.json"
_REFERENCES = {"redirect": "of a tc redirect", "bridge": "of a bridge", "phantomlink": "of phantomlink"}
_HEAD = ("what", "way", "median", "least … most", "unit", *_REFERENCES.values(), "budget")


def page(sessions: Iterable[dict[str, Any]]) -> str:
    """A section for each session, the newest first."""
    newest_first = sorted(sessions, key=lambda session: session["machine"]["measured_utc"], reverse=True)
    return "\n".join(_section(session["machine"], session["rows"]) for session in newest_first)


def published() -> list[dict[str, Any]]:
    """The sessions that are kept here."""
    found: list[dict[str, Any]] = json.loads(BENCH.read_text(encoding="utf-8"))["sessions"]
    return found


def _section(machine: dict[str, Any], rows: Iterable[dict[str, Any]]) -> str:
    kind = "virtual CPUs" if machine["virtual"] else "CPUs"
    where = (
        f"{machine['cpus']} {kind} ({machine['cpu']}), {machine['memory_bytes'] / 2**30:.1f} GiB, Linux"
        f" {machine['kernel']}; {machine['measured_utc']}, commit {machine['commit']}; load in the last minute"
        f" {machine['load_1min']:.1f}."
    )
    return f"### Measured {machine['measured_utc'][:16].replace('T', ' ')}\n\n{where}\n\n" + table(
        _HEAD, map(_cells, rows)
    )


def _cells(row: dict[str, Any]) -> tuple[str, ...]:
    if row["not_measured"]:
        return row["what"], row["way"], "", "", "", *("" for _ in _REFERENCES), f"not measured: {row['not_measured']}"
    ratios = (f"{row['ratios'][name]:.2f}" if name in row["ratios"] else "" for name in _REFERENCES)
    met = {None: "", True: ": met", False: ": **missed**"}[row["met"]]
    span = f"{_number(row['least'])} … {_number(row['most'])}" if row["least"] != row["most"] else ""
    return row["what"], row["way"], _number(row["median"]), span, row["unit"], *ratios, row["budget"] + met


def _number(value: float) -> str:
    return f"{value:,.0f}".replace(",", " ") if abs(value) >= 1000 else f"{value:.3g}"
