"""All that is known of a run when it is over: what both ends saw, what the run says of itself, what it left behind."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from truth.capture.ends import Seen
from truth.case import Case

NETNS = Path("/run/netns")


@dataclass
class Evidence:
    """All that is known of a run when it is over."""

    case: Case
    t0_ns: int = 0  #: 0: it never got so far
    ends: dict[tuple[int, str], Seen] = field(default_factory=dict)  #: by link and end
    record: dict[str, Any] = field(default_factory=dict)  #: run.json; empty: there is none
    complaints: list[str] = field(default_factory=list)  #: it hung, broke off, left something behind
    done: list[str] = field(default_factory=list)  #: what was done to it, for whoever wonders
    began_ns: dict[tuple[int, str], int] = field(default_factory=dict)  #: when a sender says that it began
    undone: list[str] = field(default_factory=list)  #: disturbances that could not be had, and why
    output: str = ""  #: of plctl


def run_folder(folder: Path) -> Path | None:
    """The folder of the run in the case's `folder`, once there is one."""
    return next((folder / "runs").glob("*-*"), None)


def token(run: Path) -> str:
    """What the names of the run's namespaces carry."""
    return run.name.rpartition("-")[2]


def collect(evidence: Evidence, folder: Path, state: Path) -> None:
    """Add what the run wrote into `folder`; complain of what it left in `state`, or with a name."""
    evidence.output = (folder / "output").read_text(errors="replace")
    if "Traceback" in evidence.output:
        evidence.complaints.append("a traceback was printed")
    run = run_folder(folder)
    if run is None or not (run / "run.json").exists():
        evidence.complaints.append("there is no run.json")
        return
    evidence.record = json.loads((run / "run.json").read_text())
    if not evidence.record.get("verdict"):
        evidence.complaints.append("run.json has no verdict")
    for number, link in enumerate(evidence.case.links):
        for way in link.halves:
            said = run / "artifacts" / link.name / f"{way}.stdout"
            if said.exists() and (words := said.read_text().split()):
                evidence.began_ns[number, way] = int(words[0])
    left = [path.name for path in NETNS.glob(f"pl-local-{token(run)}-*")]
    left += [f"state folder {path.name}" for path in state.iterdir() if path.is_dir()]
    if left:
        evidence.complaints.append(f"left behind: {', '.join(left)}")
