"""The one table of `make bench`: a row for each measurement, with its ratios to the references of the same run."""

from __future__ import annotations

import json
import os
import platform
import statistics
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from plctl.common.host.facts import gather_host_facts

RESULT = Path("bench-out/bench.json")
REFERENCES = ("redirect", "bridge", "phantomlink")


@dataclass(frozen=True)
class Row:
    """What one way did: median and range over its trials, or why there is no figure."""

    what: str  #: e.g. "forwarding, 64 B"
    way: str
    unit: str
    median: float | None = None
    least: float | None = None
    most: float | None = None
    ratios: dict[str, float] = field(default_factory=dict)  #: to each reference: the median over trials
    budget: str = ""
    met: bool | None = None  #: None: the way has no budget
    not_measured: str = ""  #: why


def row(what: str, way: str, unit: str, trials: Sequence[float], *, budget: str = "", met: bool | None = None) -> Row:
    """The row of `trials` that are compared with nothing but a budget."""
    return Row(what, way, unit, statistics.median(trials), min(trials), max(trials), {}, budget, met)


class Table:
    """Grows while the benchmarks run; printed and written when they are done."""

    def __init__(self) -> None:
        self.rows: list[Row] = []

    def add(self, row: Row) -> Row:
        """Another row, also shown and written at once: whoever ends the session keeps what was measured."""
        self.rows.append(row)
        self.write()
        print(f"\n{_line(row)}", end="")
        return row

    def add_missing(self, what: str, way: str, unit: str, why: str) -> None:
        """What could not be measured, and why."""
        self.add(Row(what, way, unit, not_measured=why))

    def compare(
        self,
        what: str,
        unit: str,
        trials: Mapping[str, Sequence[float]],
        missing: Mapping[str, str],
        least: tuple[str, float] | None = None,
    ) -> None:
        """A row for each way, its ratios those of neighbours, so that a change of the machine's mood hits them all.

        :param trials: of each way, in the same order of time.
        :param missing: of a way that could not be measured, why.
        :param least: the budget of plctl's ways: a reference, and the ratio to it that is to be reached.
        """
        for way, values in trials.items():
            ratios = {name: _ratio(values, trials[name]) for name in REFERENCES if trials.get(name) and name != way}
            budget, met = "", None
            if least and way not in REFERENCES:
                budget, met = f"≥ {least[1]:g} × {least[0]}", ratios[least[0]] >= least[1]
            self.add(Row(what, way, unit, statistics.median(values), min(values), max(values), ratios, budget, met))
        for way, why in missing.items():
            self.add(Row(what, way, unit, not_measured=why))

    def text(self) -> str:
        """For people."""
        return "\n".join([_machine_line(), _HEAD, *map(_line, self.rows)])

    def write(self) -> Path:
        """For programs, to RESULT in the current folder: all of it, or what was there before."""
        RESULT.parent.mkdir(exist_ok=True)
        document = {"machine": machine(), "rows": [asdict(row) for row in self.rows]}
        partial = RESULT.with_suffix(".part")
        partial.write_text(json.dumps(document, indent=1) + "\n")
        partial.replace(RESULT)
        return RESULT


def machine() -> dict[str, object]:
    """On what was measured, of which sources, and how busy it was meanwhile."""
    facts = gather_host_facts()
    return {
        "cpu": facts.cpu_model,
        "cpus": os.cpu_count(),
        "virtual": "hypervisor" in Path("/proc/cpuinfo").read_text(),
        "memory_bytes": facts.memory_bytes,
        "kernel": platform.release(),
        "architecture": platform.machine(),
        "load_1min": os.getloadavg()[0],
        "measured_utc": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": _commit(),
    }


def _commit() -> str:
    """Of what is measured, with a mark if files were changed since; empty outside a clone."""
    asked = ["git", "describe", "--always", "--dirty", "--abbrev=10", "--exclude=*"]
    found = subprocess.run(asked, cwd=Path(__file__).parent, capture_output=True, text=True, check=False)
    return found.stdout.strip()


_HEAD = (
    f"{'what':<40} {'way':<12} {'median':>11} {'least':>11} {'most':>11} {'unit':<9} "
    f"{'×redirect':>9} {'×bridge':>9} {'×phantom.':>9}  budget"
)


def _machine_line() -> str:
    facts = machine()
    return f"{facts['cpus']} CPUs, Linux {facts['kernel']}, load {facts['load_1min']:.1f}"


def _line(row: Row) -> str:
    head = f"{row.what:<40} {row.way:<12} "
    if row.not_measured:
        return f"{head}not measured: {row.not_measured}"
    values = " ".join(f"{_number(value):>11}" for value in (row.median, row.least, row.most))
    ratios = " ".join(f"{row.ratios[name]:>9.2f}" if name in row.ratios else " " * 9 for name in REFERENCES)
    verdict = {None: "", True: ": met", False: ": missed"}[row.met]
    return f"{head}{values} {row.unit:<9} {ratios}  {row.budget}{verdict}".rstrip()


def _number(value: float | None) -> str:
    assert value is not None
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def _ratio(ours: Sequence[float], theirs: Sequence[float]) -> float:
    return statistics.median(abs(our / their) for our, their in zip(ours, theirs, strict=True))
