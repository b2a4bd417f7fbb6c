"""The pages that are made from code and measurements are whole: no field, column or event of which nothing is said."""

from __future__ import annotations

import ast
import importlib
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from bench.publish import merged
from support.room_imports import ROOT

from plctl.controller.lifecycle.run_events import RunPhase
from plctl.controller.spec.model import MODELS
from plctl.controller.study.model import STUDY_MODELS

#: A line of the tables of events: its name, and the facts that are named beside it.
_EVENT = re.compile(r"^\| `([a-z_]+\.[a-z_]+)` \|([^|]*)\|([^|]*)\|$", re.MULTILINE)
#: Where what belongs to a run's log is written; other logs are those of daemons.
_PLACES = ("controller/run", "agent/run", "agent/service", "controller/lifecycle")
#: What every event may have.
_COMMON = {"link", "cause", "t_ns"}


@contextmanager
def _page(name: str) -> Iterator[ModuleType]:
    """The module `name` of the folder docs, for a while."""
    before = set(sys.modules)
    yield importlib.import_module(name)
    for each in set(sys.modules) - before:
        if str(getattr(sys.modules[each], "__file__", "")).startswith(str(ROOT / "docs")):
            del sys.modules[each]


@pytest.fixture
def run_folder(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """What writes the reference of a run's folder."""
    monkeypatch.syspath_prepend(str(ROOT / "docs"))
    with _page("run_folder") as module:
        yield module


@pytest.fixture
def generate(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """What writes all of them."""
    monkeypatch.syspath_prepend(str(ROOT / "docs"))
    with _page("generate") as module:
        yield module


@pytest.fixture
def field_docs(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """What finds out what the code says of the fields of a class."""
    monkeypatch.syspath_prepend(str(ROOT / "docs"))
    with _page("field_docs") as module:
        yield module


@pytest.fixture
def performance_page(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """What writes the figures on performance."""
    monkeypatch.syspath_prepend(str(ROOT / "docs"))
    with _page("performance_page") as module:
        yield module


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


def test_every_field_and_column_says_what_it_means(run_folder: ModuleType) -> None:
    """In the code, from which the reference is made: whoever adds one adds its meaning."""
    assert [] == run_folder.undocumented()
    assert all(run_folder.pages().values())


def test_every_key_of_a_run_spec_or_a_study_says_what_it_means(field_docs: ModuleType) -> None:
    """Also those that a mapping has from another."""
    meanings = {name: field_docs.meanings(kind) for name, kind in [*MODELS.items(), *STUDY_MODELS.items()]}
    assert [] == [(name, key) for name, keys in meanings.items() for key, says in keys.items() if not says]


def test_every_page_that_follows_from_code_can_be_made(generate: ModuleType, tmp_path: Path) -> None:
    """`make docs` needs packages of its own; this needs none."""
    generate.write(tmp_path)
    assert {"commands.md", "spec.md", "run-json.md", "performance.md"} <= {page.name for page in tmp_path.iterdir()}


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


def _bench_row(what: str, median: float) -> dict[str, Any]:
    return {
        "what": what, "way": "xdp", "unit": "µs", "median": median, "least": 1.0, "most": 9.0,
        "ratios": {"redirect": 0.5}, "budget": "≤ 10 µs", "met": median <= 10, "not_measured": "",
    }  # fmt: skip


def _bench_machine(utc: str) -> dict[str, Any]:
    return {
        "cpu": "EPYC", "cpus": 2, "virtual": True, "memory_bytes": 8 * 2**30, "kernel": "6.18.44", "commit": utc[8:10],
        "load_1min": 0.3, "measured_utc": utc,
    }  # fmt: skip


def test_each_figure_stands_under_the_machine_and_the_time_that_it_is_of(performance_page: ModuleType) -> None:
    """A part that is measured again is in the newest session only; what was missed says so."""
    first = {
        "machine": _bench_machine("2026-11-27T10:00:00+00:00"),
        "rows": [_bench_row("a", 8.0), _bench_row("b", 3.0)],
    }
    second = {"machine": _bench_machine("2026-11-28T10:00:00+00:00"), "rows": [_bench_row("a", 12.0)]}
    newer, older = performance_page.page(merged(merged([], first), second)).split("### Measured 2026-11-")[1:]
    assert newer.startswith("28 10:00\n\n2 virtual CPUs (EPYC), 8.0 GiB, Linux 6.18.44;")
    assert "| a | xdp | 12\u00a0µs (1 … 9) | 0.50 | ≤ 10 µs: **missed** |" in newer
    assert "| b | xdp | 3\u00a0µs" in older
    assert "| a |" not in older


def test_the_figures_that_are_published_can_be_shown(performance_page: ModuleType) -> None:
    """Each of a commit without changes of its own, so that it can be measured again."""
    sessions = performance_page.published()
    assert [] == [each["machine"] for each in sessions if not re.fullmatch(r"[0-9a-f]+", each["machine"]["commit"])]
    assert performance_page.page(sessions).count("### Measured") == len(sessions)
