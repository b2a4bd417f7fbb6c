"""How a command on a host ended: apart from what runs it, so that what decides upon it needs no ssh."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CommandResult:
    """How a command on a host ended."""

    stdout: str
    stderr: str
    exit_status: int
