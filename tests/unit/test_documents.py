"""Documents name files that exist: a reader who follows one finds it."""

from __future__ import annotations

import re
import subprocess

import pytest
from support.room_imports import ROOT

#: A file between backticks, with as many of its folders as the document cares to name.
_FILE = re.compile(r"(?<=`)[\w/.-]*\w\.(?:py|pyi|c|h|css|service|sh)(?=`)")
#: Names that stand for what a reader will write.
_EXAMPLES = {"noun.c", "noun.h", "agent/commands/word.py"}


def files() -> list[str]:
    """Every file that belongs to the repository, with a slash before it."""
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return [f"/{name}" for name in listed.stdout.splitlines()]


@pytest.mark.parametrize("document", [name[1:] for name in files() if name.endswith(".md") and name != "/CHANGELOG.md"])
def test_a_document_names_files_that_exist(document: str) -> None:
    """By the end of their path at least; a file that moved takes what is said of it along."""
    named = set(_FILE.findall((ROOT / document).read_text())) - _EXAMPLES
    there = files()
    assert set() == {name for name in named if not any(path.endswith(f"/{name}") for path in there)}
