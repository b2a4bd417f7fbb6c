"""Which programs a run's commands start here: path, content and package, so that a reader knows what really ran.

No program is asked for its version: that would run it, as root, with an argument that it may not know.
"""

from __future__ import annotations

import hashlib
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

#: So many different programs of a run are looked at.
_MOST = 16
#: How long the package manager may take.
_PATIENCE_S = 20.0
#: So many files are remembered.
_REMEMBERED = 256
_ASSIGNMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*=.*", re.DOTALL)


@dataclass(frozen=True, slots=True)
class _FileVersion:
    """A file as it is now: installing another one, or writing into it, changes one of these."""

    path: str
    device: int = 0
    inode: int = 0
    size: int = 0
    changed_ns: int = 0


#: What was found of each. dpkg-query takes a fifth of a second, and a study runs the same programs a thousand times.
_known: dict[_FileVersion, str] = {}


def describe_programs(commands: Iterable[tuple[str, ...]]) -> dict[str, str]:
    """Name → ``/usr/bin/iperf3, package iperf3 3.18-2, SHA-256 …`` of the first program of each of `commands` (argv).

    A command that is no file here, such as a shell's own, is left out.
    """
    names = list(dict.fromkeys(filter(None, map(_program, commands))))[:_MOST]
    paths = {Path(name).name: path for name in names if (path := _find(name))}
    versions = {name: _version(path) for name, path in paths.items()}
    texts = {version: _known[version] for version in versions.values() if version in _known}
    new = [version for version in versions.values() if version not in texts]
    packages = _packages(each.path for each in new)
    texts |= {each: ", ".join(filter(None, (each.path, packages.get(each.path), _digest(each.path)))) for each in new}
    _known.update(texts)
    while len(_known) > _REMEMBERED:
        del _known[next(iter(_known))]
    return {name: texts[version] for name, version in versions.items()}


def _program(command: tuple[str, ...]) -> str:
    """What the command runs; of a line for a shell the first word that is no assignment."""
    if command[:2] != ("sh", "-c") or len(command) != 3:
        return command[0]
    with suppress(ValueError):  # quotes that do not end: the shell will tell
        return next((word for word in shlex.split(command[2]) if not _ASSIGNMENT.fullmatch(word)), "")
    return ""


def _find(name: str) -> str | None:
    return shutil.which(name) if "/" not in name or Path(name).is_absolute() else None


def _version(path: str) -> _FileVersion:
    with suppress(OSError):
        status = Path(path).stat()
        return _FileVersion(path, status.st_dev, status.st_ino, status.st_size, status.st_ctime_ns)
    return _FileVersion(path)


def _digest(path: str) -> str:
    with suppress(OSError), Path(path).open("rb") as file:
        return f"SHA-256 {hashlib.file_digest(file, 'sha256').hexdigest()}"
    return ""


def _packages(paths: Iterable[str]) -> dict[str, str]:
    """Path → the Debian package that it belongs to, and its version, for those that belong to one."""
    spellings: dict[str, str] = {}  #: dpkg knows a file by where it was installed
    for path in paths:
        real = str(Path(path).resolve())
        spellings |= dict.fromkeys((path, real, real.removeprefix("/usr")), path)
    if not spellings:
        return {}
    found = (line.partition(": ") for line in _ask_dpkg("--search", *spellings).splitlines())
    owners = {spellings[file]: owner.partition(",")[0] for owner, _, file in found if file in spellings}
    if not owners:
        return {}
    shown = _ask_dpkg("--show", "--showformat=${binary:Package} ${Version}\n", *dict.fromkeys(owners.values()))
    versions = {
        name.partition(":")[0]: version for name, _, version in (line.partition(" ") for line in shown.splitlines())
    }
    named = {path: owner.partition(":")[0] for path, owner in owners.items()}
    return {path: f"package {name} {versions[name]}" for path, name in named.items() if name in versions}


def _ask_dpkg(*arguments: str) -> str:
    with suppress(OSError, subprocess.SubprocessError):
        done = subprocess.run(
            ["dpkg-query", *arguments], capture_output=True, text=True, timeout=_PATIENCE_S, check=False
        )
        return done.stdout
    return ""
