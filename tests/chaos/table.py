"""What came of plans: a few lines for each, and the table of all faults with what became of the runs that they met."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Self

from chaos.checker import meeting, objections
from chaos.evidence import Evidence
from chaos.faults.kinds import KINDS
from chaos.judged import says

_WIDE = 30
_ENDS = ("ok", "late", "skewed", "overloaded", "unproven", "failed", "cancelled", "refused", "–")


@dataclass(frozen=True)
class Played:
    """One plan, in words."""

    seed: int
    plan: str
    faults: tuple[tuple[str, bool], ...]  #: kind, and whether it could be done
    ends: tuple[tuple[str, tuple[str, ...]], ...]  #: of each run: what became of it, and the kinds that met it
    lines: tuple[str, ...]
    objections: tuple[str, ...] = field(default=())
    judged: tuple[tuple[str, int], ...] = field(default=())  #: links by verdict, and by why the judge had no say
    frames: tuple[int, int] = (0, 0)  #: that the judge saw leave, and that it saw come

    @classmethod
    def of(cls, evidence: Evidence) -> Self:
        """What came of a plan."""
        ends, lines = [], [f"  {done}" for done in evidence.faults]
        for seen in evidence.runs:
            end = seen.record.get("verdict") or ("refused" if seen.refused else "–")
            met = tuple(sorted({done.kind for done in meeting(evidence, seen)}))
            ends.append((end, met))
            cause = seen.record.get("cause", "") or seen.refused or seen.listed.get("cause", "")
            lines.append(f"  {seen.planned.name} on {', '.join(sorted(seen.planned.hosts))}: {end}"
                         f"{f' ({cause[:160]})' if cause else ''}")  # fmt: skip
        faults = tuple((done.kind, bool(done.from_ns)) for done in evidence.faults)
        judged, frames = says(evidence)
        return cls(
            evidence.plan.seed, str(evidence.plan), faults, tuple(ends), tuple(lines), tuple(objections(evidence)),
            tuple(sorted(judged.items())), frames,
        )  # fmt: skip

    def append_to(self, log: Path) -> None:
        """Add it to the file, a line of JSON."""
        with log.open("a") as file:
            file.write(json.dumps(asdict(self)) + "\n")

    @classmethod
    def read(cls, log: Path) -> list[Self]:
        """Those that a file has."""
        lines = log.read_text().splitlines() if log.exists() else []
        return [cls(**{name: _tuples(value) for name, value in json.loads(line).items()}) for line in lines]

    def __str__(self) -> str:
        """A line for the plan, one for each fault and run, and what is wrong."""
        wrong = [f"  WRONG: {objection}" for objection in self.objections]
        return "\n".join([f"seed {self.seed}: {self.plan.partition(';')[0]}", *self.lines, *wrong])


def table(played: list[Played]) -> str:
    """Each kind: how often it was done, and what became of the runs that it met (beside others that met them)."""
    rows: dict[str, Counter[str]] = {}
    seen = {kind.partition(",")[0] for one in played for kind, _ in one.faults}
    rows |= {kind: Counter() for kind in KINDS if kind not in seen}
    for one in played:
        for kind, was_done in one.faults:
            rows.setdefault(kind, Counter())["done" if was_done else "not done"] += 1
        for end, kinds in one.ends:
            for kind in kinds or ("nothing",):
                rows.setdefault(kind, Counter())[end] += 1
    names = ("done", "not done", *_ENDS)
    lines = ["fault".ljust(_WIDE) + "".join(name.rjust(11) for name in names)]
    lines += [
        kind.ljust(_WIDE) + "".join(str(rows[kind][name] or "·").rjust(11) for name in names) for kind in sorted(rows)
    ]
    wrong = [f"seed {one.seed}: {objection}" for one in played for objection in one.objections]
    failing = sorted({one.seed for one in played if one.objections})
    lines.append(f"{len(played)} seeds, {sum(len(one.ends) for one in played)} runs, {len(failing)} seeds failed")
    judged = sum((Counter(dict(one.judged)) for one in played), Counter[str]())
    said = ", ".join(f"{count} {what}" for what, count in sorted(judged.items()))
    frames = [sum(each) for each in zip(*(one.frames for one in played), strict=True)] or [0, 0]
    lines.append(f"the judge: links {said or 'none'}; {frames[0]} frames left, {frames[1]} came")
    lines += [f"again: make chaos SEEDS={seed}-{seed}" for seed in failing]
    return "\n".join([*lines, *wrong])


def _tuples(value: object) -> object:
    """JSON has lists where a `Played` has tuples."""
    return tuple(map(_tuples, value)) if isinstance(value, list) else value
