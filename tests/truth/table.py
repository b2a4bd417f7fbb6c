"""What came of cases: a line for each, and the table of disturbances and verdicts over all of them."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

from truth.evidence import Evidence
from truth.sentence import outcomes

_VERDICTS = ("ok", "unproven", "late", "skewed", "overloaded", "failed", "–")


@dataclass(frozen=True)
class Played:
    """One case, in words."""

    seed: int
    case: str
    kinds: tuple[str, ...]
    verdicts: tuple[str, ...]  #: of its links
    found: tuple[str, ...]  #: of its links; empty: nothing
    lines: tuple[str, ...]  #: of its links: verdict, cause and what was found
    objections: tuple[str, ...]  #: what breaks the sentence
    undone: tuple[str, ...] = ()  #: disturbances that could not be had, and why

    @classmethod
    def of(cls, evidence: Evidence) -> Self:
        """What came of a case."""
        links = outcomes(evidence)
        objections = [f"{each.link}: {each.objection}" for each in links if each.objection] + evidence.complaints
        return cls(
            seed=evidence.case.seed,
            case=str(evidence.case),
            kinds=tuple(planned.kind for planned in evidence.case.disturbances) or ("nothing",),
            verdicts=tuple(each.verdict or "–" for each in links),
            found=tuple("+".join(sorted(each.found)) for each in links),
            lines=tuple(f"{each.link} {each}" for each in links),
            objections=tuple(objections),
            undone=tuple(evidence.undone),
        )

    def append_to(self, log: Path) -> None:
        """Add it to the file, a line of JSON."""
        with log.open("a") as file:
            file.write(json.dumps(asdict(self)) + "\n")

    @classmethod
    def read(cls, log: Path) -> list[Self]:
        """Those that a file has."""
        lines = log.read_text().splitlines() if log.exists() else []
        plain = [json.loads(line) for line in lines]
        return [
            cls(**{name: tuple(value) if isinstance(value, list) else value for name, value in each.items()})
            for each in plain
        ]

    def __str__(self) -> str:
        """A line for the case, and one for each link."""
        head = f"seed {self.seed}: {self.case}"
        undone = [f"  could not be done: {why}" for why in self.undone]
        objected = [f"  BREAKS THE SENTENCE: {objection}" for objection in self.objections]
        return "\n".join([head, *(f"  {line}" for line in self.lines), *undone, *objected])


def table(played: list[Played]) -> str:
    """Disturbances and verdicts, counted by links; `found`: on how many of them the judge found something."""
    rows: dict[str, Counter[str]] = {}
    for one in played:
        for kind in one.kinds:
            row = rows.setdefault(kind, Counter())
            row.update(one.verdicts)
            row["runs"] += 1
            row["found"] += sum(1 for found in one.found if found)
            row["not done"] += any(why.startswith(kind) for why in one.undone)
            row["breaks"] += len(one.objections)
    names = ("runs", *_VERDICTS, "found", "not done", "breaks")
    lines = ["disturbance".ljust(28) + "".join(name.rjust(11) for name in names)]
    lines += [
        kind.ljust(28) + "".join(str(rows[kind][name] or "·").rjust(11) for name in names) for kind in sorted(rows)
    ]
    broken = [f"seed {one.seed}: {objection}" for one in played for objection in one.objections]
    return "\n".join([*lines, f"{len(played)} runs, {len(broken)} break the sentence", *broken])
