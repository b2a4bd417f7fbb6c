"""What became of one host, for the table, for programs, and for the next deployment."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from plctl.deploy.hosts.planner import Change


class Outcome(StrEnum):
    """How it ended for a host."""

    CHANGED = "changed"
    UNCHANGED = "unchanged"
    WOULD_CHANGE = "would change"
    REMOVED = "removed"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class HostResult:
    """One host at the end."""

    host: str
    outcome: Outcome
    text: str  #: the cause, if it failed
    changes: tuple[Change, ...] = ()
    facts: str = ""  #: what kind of host it is

    def document(self) -> dict[str, Any]:
        """For JSON."""
        changes = [{"step": change.step, "text": change.text, "detail": change.detail} for change in self.changes]
        return {
            "host": self.host,
            "outcome": self.outcome,
            "text": self.text,
            "changes": changes,
            "facts": self.facts,
        }
