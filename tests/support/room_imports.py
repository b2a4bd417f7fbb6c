"""Which room imports which, read from the sources: rooms are the sub-packages of common, agent, controller and deploy.

The rooms of the C core, which are folders of agent/native/, import by `#include "room/noun.h"`.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("common", "agent", "controller", "deploy")
NATIVE = "agent/native"
#: Rooms that are packages under a public name: plctl.results.
PUBLIC = {"results": "controller/public"}
_INCLUDE = re.compile(r'^#include "(\w+)/', re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Import:
    """A line of `room` that imports from `target`, another room."""

    room: str  #: agent/kernel
    target: str
    place: str  #: path:line


def room_of(path: Path) -> str:
    """The room of the source `path`, which is relative to the root; for what is in no room the package's own name."""
    folders = path.parts[:-1]
    return "/".join(folders[: 3 if path.suffix in (".c", ".h") else 2])


def sources() -> list[Path]:
    """Every Python and C source of the product, relative to the root."""
    found = (path for package in PACKAGES for path in (ROOT / package).rglob("*") if path.suffix in (".py", ".c", ".h"))
    return sorted(path.relative_to(ROOT) for path in found)


def rooms() -> set[str]:
    """Every room there is."""
    return {room_of(path) for path in sources()} - set(PACKAGES)


def imports() -> Iterator[Import]:
    """Every import of a room from another, however deep in a function it stands."""
    for path in sources():
        room = room_of(path)
        found = _includes(path) if path.suffix in (".c", ".h") else _python_imports(path)
        for line, target in found:
            if room not in PACKAGES and target not in (room, *PACKAGES):  # a package itself holds a version and a door
                yield Import(room, target, f"{path}:{line}")


def _includes(path: Path) -> Iterator[tuple[int, str]]:
    text = (ROOT / path).read_text()
    for match in _INCLUDE.finditer(text):
        yield text.count("\n", 0, match.start()) + 1, f"{NATIVE}/{match[1]}"


def _python_imports(path: Path) -> Iterator[tuple[int, str]]:
    for node in ast.walk(ast.parse((ROOT / path).read_text())):
        if isinstance(node, ast.Import):
            named = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            named = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        for parts in (name.split(".") for name in named):
            if parts[0] == "plctl" and len(parts) > 1:
                folder = PUBLIC.get(parts[1], "/".join(parts[1:3]))
                yield node.lineno, folder if (ROOT / folder).is_dir() else parts[1]
