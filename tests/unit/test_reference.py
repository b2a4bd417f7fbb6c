"""The reference of a run's folder is whole: no event of which it says nothing."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from support.room_imports import ROOT

from plctl.controller.lifecycle.run_events import RunPhase

#: A line of the tables of events: its name, and the facts that are named beside it.
_EVENT = re.compile(r"^\| `([a-z_]+\.[a-z_]+)` \|([^|]*)\|([^|]*)\|$", re.MULTILINE)
#: Where what belongs to a run's log is written; other logs are those of daemons.
_PLACES = ("agent/run", "agent/service", "controller/lifecycle")
#: What every event may have.
_COMMON = {"link", "cause", "t_ns"}


def emitted() -> Iterator[tuple[str, set[str]]]:
    """Each event that the code writes to a run's log by a literal name, and the facts that it names there."""
    for path in (path for place in _PLACES for path in (ROOT / place).glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                if node.func.attr not in ("emit", "_note") or not node.args:
                    continue
                facts = {word.arg for word in node.keywords if word.arg} - _COMMON
                first = node.args[0]
                for name in (first.body, first.orelse) if isinstance(first, ast.IfExp) else (first,):
                    if isinstance(name, ast.Constant):
                        yield str(name.value), facts


def test_every_event_and_its_facts_are_in_the_reference() -> None:
    """And the reference has no event that is never written."""
    said = {
        name: set(re.findall(r"`(\w+)`", facts))
        for name, _, facts in _EVENT.findall((ROOT / "docs/reference/results/events.md").read_text())
    }
    phases = {f"run.{phase}" for phase in RunPhase if phase not in (RunPhase.QUEUED, RunPhase.NEW)}
    written: dict[str, set[str]] = {phase: set() for phase in phases}
    for name, facts in emitted():
        written.setdefault(name, set()).update(facts)
    assert written.keys() == said.keys()
    assert {} == {name: missing for name, facts in written.items() if (missing := facts - said[name])}
