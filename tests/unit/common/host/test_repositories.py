"""The user's own repository is described from the files that were read, and nothing of it is executed."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from plctl.common.host.repositories import repositories_of
from plctl.common.plan.run_request import Repository, SourceFile


def git(folder: Path, *arguments: str) -> str:
    """What git says."""
    identity = ("-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "init.defaultBranch=main")
    done = subprocess.run(["git", *identity, *arguments], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A repository with a spec and, in a folder, a scenario."""
    folder = tmp_path / "experiment"
    (folder / "traces").mkdir(parents=True)
    (folder / "run.yaml").write_text("links: []\n")
    (folder / "traces" / "leo.csv").write_text("Time[ms]\n")
    git(folder, "init", "-q")
    git(folder, "add", ".")
    git(folder, "commit", "-q", "-m", "x")
    return folder


def sources(clone: Path) -> list[SourceFile]:
    """As a spec has them: the first names the others, from where it lies."""
    return [SourceFile.of(str(clone / "run.yaml"), "…"), SourceFile.of("traces/leo.csv", "…")]


def test_files_as_they_were_committed(clone: Path) -> None:
    """Commit and files are told, and nothing has changed."""
    commit = git(clone, "rev-parse", "HEAD")
    assert (Repository("experiment", commit, ("run.yaml", "traces/leo.csv")),) == repositories_of(sources(clone))


def test_what_differs_is_named_whether_staged_or_not(clone: Path) -> None:
    """Also a file that no commit has; what else lies in the repository does not matter."""
    (clone / "traces" / "leo.csv").write_text("Time[ms],RouteID\n")
    (clone / "other").write_text("x")
    (found,) = repositories_of(sources(clone))
    assert ("traces/leo.csv",) == found.changed
    git(clone, "add", ".")
    assert (found,) == repositories_of(sources(clone))
    git(clone, "commit", "-q", "-m", "y")
    git(clone, "rm", "-q", "--cached", "run.yaml")
    git(clone, "commit", "-q", "-m", "z")
    assert [("run.yaml",)] == [each.changed for each in repositories_of(sources(clone))]


def test_nothing_that_the_repository_names_is_executed(clone: Path, tmp_path: Path) -> None:
    """Neither a file system monitor, nor a hook, a filter or a transport."""
    mark = tmp_path / "executed"
    trap = tmp_path / "trap"
    trap.write_text(f"#!/bin/sh\ntouch {mark}\n")
    trap.chmod(0o755)
    shutil.copy(trap, clone / ".git" / "hooks" / "post-index-change")
    for name in (
        "core.fsmonitor",
        "filter.f.clean",
        "filter.f.process",
        "core.sshCommand",
        "core.pager",
        "diff.external",
    ):
        git(clone, "config", name, str(trap))
    (clone / ".gitattributes").write_text("* filter=f\n")
    (clone / "run.yaml").write_text("links: [x]\n")
    assert [("run.yaml",)] == [each.changed for each in repositories_of(sources(clone))]
    assert not mark.exists()


@pytest.mark.needs_root
def test_root_asks_as_the_owner(clone: Path) -> None:
    """git is another user's then, so the repository can do nothing that its owner could not."""
    commit = git(clone, "rev-parse", "HEAD")
    for folder in clone.parents:
        if not folder.stat().st_mode & 0o001:  # pytest's own, of which there are more with several workers
            folder.chmod(0o755)
    for path in (clone, *clone.rglob("*")):
        os.chown(path, 65534, 65534)
    assert (Repository("experiment", commit, ("run.yaml", "traces/leo.csv")),) == repositories_of(sources(clone))


def test_what_cannot_be_compared_is_said(clone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there is no git the commit is told all the same."""
    monkeypatch.setattr("plctl.common.host.repositories._GIT_PATH", "/nowhere")
    (found,) = repositories_of(sources(clone))
    assert (40, (), False) == (len(found.commit), found.changed, found.compared)


def test_files_of_no_repository_and_things_that_are_no_files(clone: Path, tmp_path: Path) -> None:
    """Nothing is said, and nobody waits for a pipe that lies where git has a file."""
    (tmp_path / "lone.csv").write_text("x")
    assert () == repositories_of([SourceFile.of(str(tmp_path / "lone.csv"), "x"), SourceFile.of("gone.csv", "x")])
    (clone / ".git" / "HEAD").unlink()
    os.mkfifo(clone / ".git" / "HEAD")
    assert () == repositories_of(sources(clone))
