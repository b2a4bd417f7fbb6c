"""Documents name files that exist, and link to them: a reader who follows one finds it."""

from __future__ import annotations

import re
import subprocess
from collections import Counter
from pathlib import Path

import pytest
from support.room_imports import ROOT

from plctl.controller.study.cells import load_study

#: A file between backticks, with as many of its folders as the document cares to name.
_FILE = re.compile(r"(?<=`)[\w/.-]*\w\.(?:py|pyi|c|h|css|service|sh)(?=`)")
#: A link to a file of ours, without the place in it.
_LINK = re.compile(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)")
#: Names that stand for what a reader will write.
_EXAMPLES = {"noun.c", "noun.h", "agent/commands/word.py"}


def files() -> list[str]:
    """Every file that belongs to the repository, with a slash before it."""
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return [f"/{name}" for name in listed.stdout.splitlines()]


def documents() -> list[str]:
    """Every document that speaks of files as they are now."""
    return [name[1:] for name in files() if name.endswith(".md") and name != "/CHANGELOG.md"]


@pytest.mark.parametrize("document", documents())
def test_a_document_names_files_that_exist(document: str) -> None:
    """By the end of their path at least; a file that moved takes what is said of it along."""
    named = set(_FILE.findall((ROOT / document).read_text())) - _EXAMPLES
    there = files()
    assert set() == {name for name in named if not any(path.endswith(f"/{name}") for path in there)}


@pytest.mark.parametrize("document", documents())
def test_a_document_links_to_files_that_exist(document: str) -> None:
    """From where it lies, as a reader's browser looks for them."""
    path = ROOT / document
    assert [] == [link for link in _LINK.findall(path.read_text()) if not (path.parent / link).exists()]


def test_a_decision_has_a_number_of_its_own() -> None:
    """So that a comment or a commit may name it by that."""
    names = [path.name for path in (ROOT / "docs/decisions").rglob("*.md") if path.name != "index.md"]
    assert [] == [name for name in names if not re.match(r"\d{3}-[a-z0-9-]+\.md$", name)]
    assert {} == {number: count for number, count in Counter(name[:3] for name in names).items() if count > 1}


def test_the_run_spec_that_is_shown_is_one_that_ships() -> None:
    """Word for word, so that the commands beside it can be typed as they stand, in a clone."""
    shipped = (ROOT / "scenarios/handover.yaml").read_text()
    for document in ("README.md", "docs/tutorials/first-link.md"):
        shown = re.findall(r"^```yaml\n(.*?)^```$", (ROOT / document).read_text(), re.MULTILINE | re.DOTALL)
        assert [shipped] == shown


def test_the_study_that_is_shown_is_one_that_ships() -> None:
    """Its run spec, too; and every cell of it is valid."""
    shipped = [(ROOT / "scenarios" / name).read_text() for name in ("study.yaml", "study-base.yaml")]
    text = (ROOT / "docs/tutorials/first-study.md").read_text()
    assert shipped == re.findall(r"^```yaml\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    assert 2 * 3 * 2 * 3 == len(load_study(ROOT / "scenarios/study.yaml").requests)


@pytest.mark.parametrize(
    "document",
    ["README.md", *(f"docs/tutorials/{name}.md" for name in ("first-link", "first-study", "first-cluster"))],
)
def test_commands_name_scenarios_that_ship(document: str) -> None:
    """A file that a reader is to run is there, unless the document says that the reader writes it."""
    named = re.findall(
        r"plctl (?:run|scenario \w+|link start|study (?:check|plan|run)) (\S+\.(?:csv|yaml))",
        (ROOT / document).read_text(),
    )
    assert named
    assert [] == [name for name in named if name != "mine.csv" and not (ROOT / name).exists()]


@pytest.mark.parametrize("path", sorted((ROOT / "docs/decisions").rglob("[0-9]*.md")), ids=lambda path: path.name[:3])
def test_a_decision_says_what_was_chosen_and_why(path: Path) -> None:
    """Its number in the title, then the same four sections in each, none of them empty."""
    title, *rest = path.read_text().split("\n## ")
    assert title.startswith(f"# {path.name[:3]} ")
    sections = dict(section.split("\n", 1) for section in rest)
    assert ["Context", "Choice", "Rejected", "Evidence"] == list(sections)
    assert all(map(str.strip, sections.values()))
