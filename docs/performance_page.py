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
_REFERENCES = {"redirect": "× redirect", "bridge": "× bridge", "phantomlink": "× phantomlink"}


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
    return f"### Measured {machine['measured_utc'][:16].replace('T', ' ')}\n\n{where}\n\n" + "\n".join(
        _table(group) for group in _groups(list(rows)) if group
    )


def _groups(rows: list[dict[str, Any]]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """What was compared with references, and what was not: each is a table with the columns that it needs."""
    compared = {row["what"] for row in rows if row["ratios"]}
    return [row for row in rows if row["what"] in compared], [row for row in rows if row["what"] not in compared]


def _table(rows: list[dict[str, Any]]) -> str:
    """With a column for each reference to which there is a ratio; what was measured stands in the first of its rows."""
    compared = [name for name in _REFERENCES if any(name in row["ratios"] for row in rows)]
    head = ("what", "way", "median (least … most)", *(_REFERENCES[name] for name in compared), "budget")
    before = ["", *(row["what"] for row in rows)]
    return table(
        head,
        (
            ("" if row["what"] == previous else row["what"], row["way"], *_figures(row, compared))
            for row, previous in zip(rows, before, strict=False)
        ),
    )


def _figures(row: dict[str, Any], compared: list[str]) -> Iterable[str]:
    if row["not_measured"]:
        return f"not measured: {row['not_measured']}", *("" for _ in compared), ""
    span = f" ({_number(row['least'])} … {_number(row['most'])})" if row["least"] != row["most"] else ""
    ratios = (f"{row['ratios'][name]:.2f}" if name in row["ratios"] else "" for name in compared)
    met = {None: "", True: ": met", False: ": **missed**"}[row["met"]]
    return f"{_number(row['median'])}\u00a0{row['unit']}{span}", *ratios, row["budget"] + met


def _number(value: float) -> str:
    return f"{value:,.0f}".replace(",", "\u202f") if abs(value) >= 1000 else f"{value:.3g}"
