"""The commit is read from git's files as git leaves them: on a branch, packed, detached, in a further work tree."""

from __future__ import annotations

import subprocess
from pathlib import Path

from plctl.common.host.source_commit import source_commit


def git(folder: Path, *arguments: str) -> str:
    """What git says."""
    identity = ("-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "init.defaultBranch=main")
    done = subprocess.run(["git", *identity, *arguments], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_a_clone_tells_its_commit_however_git_keeps_it(tmp_path: Path) -> None:
    """The same as git rev-parse HEAD, without running git."""
    clone, further = tmp_path / "a", tmp_path / "b"
    clone.mkdir()
    git(clone, "init", "-q")
    assert "" == source_commit(clone)
    git(clone, "commit", "-q", "--allow-empty", "-m", "x")
    commit = git(clone, "rev-parse", "HEAD")
    assert commit == source_commit(clone)
    git(clone, "pack-refs", "--all")
    assert commit == source_commit(clone)
    git(clone, "worktree", "add", "-q", "-b", "other", str(further))
    assert commit == source_commit(further)
    git(clone, "checkout", "-q", "--detach")
    assert commit == source_commit(clone)


def test_what_is_no_clone_has_no_commit(tmp_path: Path) -> None:
    """Nor has a file that is no reference."""
    assert "" == source_commit(tmp_path)
    (tmp_path / ".git").write_text("gitdir: nowhere\n")
    assert "" == source_commit(tmp_path)
