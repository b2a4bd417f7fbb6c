"""Of which commit the files are in which a run was asked for, and which of them are not as that commit has them.

git is asked for names of committed contents only (`ls-tree`), as the repository's owner, without hooks, filters, a
file system monitor or anything of the user's or the system's settings; what the files hold is read and hashed here.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from plctl.common.host.source_commit import source_commit
from plctl.common.plan.run_request import Repository, SourceFile

_GIT_PATH = "/usr/local/bin:/usr/bin:/bin"
_TIMEOUT_S = 10.0
#: So many files are asked for at once: a command line has room for more.
_FILES_AT_ONCE = 500
_ENVIRONMENT = {
    "PATH": _GIT_PATH,
    "HOME": "/nonexistent",
    "LC_ALL": "C",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_ALLOW_PROTOCOL": "",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_TERMINAL_PROMPT": "0",
}
_SETTINGS = ("-c", "core.fsmonitor=false", "-c", f"core.hooksPath={os.devnull}")


def repositories_of(sources: Iterable[SourceFile]) -> tuple[Repository, ...]:
    """The repositories in which `sources` lie, of which the first is what names the others; none is no error."""
    files: dict[Path, list[Path]] = defaultdict(list)
    base: Path | None = None
    for source in sources:
        base = base or Path(source.path).parent
        named = (base / source.path, Path(source.path))
        found = [Path(os.path.realpath(path)) for path in named if path.is_file()]
        if found and (root := _root(found[0])):
            files[root].append(found[0])
    described = (_describe(root, paths) for root, paths in files.items())
    return tuple(each for each in described if each.commit)


def _root(path: Path) -> Path | None:
    """The nearest folder above `path` that is a work tree of git's."""
    return next((folder for folder in path.parents if (folder / ".git").exists()), None)


def _describe(root: Path, paths: list[Path]) -> Repository:
    commit = source_commit(root)
    names = [str(path.relative_to(root)) for path in paths]
    committed = _committed(root, names) if commit else None
    changed = [] if committed is None else [
        name for name, path in zip(names, paths, strict=True) if committed.get(name) != _hash(path, len(commit))
    ]  # fmt: skip
    return Repository(root.name, commit, tuple(names), tuple(changed), committed is not None)


def _hash(path: Path, digits: int) -> str:
    """What git would call the content of the file at `path`, in a repository whose names have so many digits."""
    try:
        data = path.read_bytes()
    except OSError:
        return ""
    make = hashlib.sha1 if digits == 40 else hashlib.sha256  # git's own choice of names, no protection
    return make(b"blob %d\0" % len(data) + data).hexdigest()


def _committed(root: Path, names: list[str]) -> dict[str, str] | None:
    """Name → hash of those of `names` that the commit at HEAD has; None where git does not tell."""
    found: dict[str, str] = {}
    for first in range(0, len(names), _FILES_AT_ONCE):
        listed = _ls_tree(root, names[first : first + _FILES_AT_ONCE])
        if listed is None:
            return None
        for entry in filter(None, listed.split("\0")):
            facts, _, name = entry.partition("\t")
            found[name] = facts.split(" ")[-1]
    return found


def _ls_tree(root: Path, names: list[str]) -> str | None:
    git = shutil.which("git", path=_GIT_PATH)
    owner = (root / ".git").lstat()
    others = os.geteuid() != owner.st_uid
    if git is None or (others and os.geteuid()):
        return None
    command = [git, *_SETTINGS, "-C", str(root), "ls-tree", "-z", "--full-tree", "HEAD", "--", *names]
    as_owner = {"user": owner.st_uid, "group": owner.st_gid, "extra_groups": []} if others else {}
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            stdin=subprocess.DEVNULL,
            env=_ENVIRONMENT,
            timeout=_TIMEOUT_S,
            check=True,
            **as_owner,  # type: ignore[call-overload]  # one of its keywords each
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return os.fsdecode(done.stdout)
