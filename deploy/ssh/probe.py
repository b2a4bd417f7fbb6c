"""The first question to a host: who are we there, what machine is it, and which of its Pythons is new enough. Pure."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass

from plctl.deploy.ssh.done import CommandResult
from plctl.deploy.ssh.failure import RemoteError, last_line

OLDEST_PYTHON = (3, 11)

_PROBE = """id -u; uname -m
for p in "$@" python3 python3.14 python3.13 python3.12 python3.11; do
  command -v "$p" >/dev/null 2>&1 && "$p" -I -c 'import sys; print(sys.executable, "%d.%d.%d" % sys.version_info[:3])'
done; true"""


@dataclass(frozen=True, slots=True)
class Machine:
    """What was found at the other end."""

    python: str  #: path
    python_version: str  #: 3.11
    architecture: str
    is_root: bool = True  #: whom we are there


def question(python: str) -> str:
    """The command whose end `read_answer` understands; `python` is one to try first, or empty."""
    return shlex.join(["sh", "-c", _PROBE, "sh", *([python] if python else [])])


def read_answer(done: CommandResult) -> Machine:
    """What the host is.

    :raises RemoteError: it is none that we can use.
    """
    lines = done.stdout.splitlines()
    if len(lines) < 2 or not lines[0].isdecimal():
        raise RemoteError(f"its shell does not answer as expected: {last_line(done.stderr or done.stdout)}")
    path, version = _choose_python(lines[2:])
    return Machine(path, version, lines[1], is_root=lines[0] == "0")


def _choose_python(lines: Sequence[str]) -> tuple[str, str]:
    """Path and version of the first Python that is new enough."""
    found = [line.rsplit(" ", 1) for line in lines if " " in line]
    for path, version in found:
        if tuple(map(int, version.split(".")[:2])) >= OLDEST_PYTHON:
            return path, ".".join(version.split(".")[:2])
    if not found:
        raise RemoteError("there is no Python: apt install python3")
    path, version = found[0]
    oldest = ".".join(map(str, OLDEST_PYTHON))
    raise RemoteError(
        f"Python {version} ({path}) is too old, plctl needs {oldest} or newer: install one beside it, and name its "
        "path by the key python"
    )
