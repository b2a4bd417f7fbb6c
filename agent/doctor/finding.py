"""What a check of `plctl doctor` reports."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """What a finding means for running links."""

    OK = "ok"
    NOTE = "note"  #: works, but worse or less than it could
    FAIL = "fail"  #: does not work


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of one check: what was seen and, unless all is well, what to do."""

    check: str
    level: Level
    seen: str
    remedy: str = ""

    def as_sentence(self) -> str:
        """A finding that makes links impossible, for those who asked for something else."""
        return f"plctl cannot work here: {self.check}: {self.seen}: {self.remedy}"

    @classmethod
    def judge(cls, check: str, good: bool, seen: str, remedy: str, *, otherwise: Level = Level.NOTE) -> Finding:
        """OK without a remedy if `good`, else at level `otherwise` with it."""
        return cls(check, Level.OK, seen) if good else cls(check, otherwise, seen, remedy)
