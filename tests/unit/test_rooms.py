"""Rooms keep what their names promise: imports go one way, folders stay small, tests lie where what they test lies.

Each room lists what it may import; lower rooms come first. A room or an import that is not listed fails: add it if
it is right, and never let a room import one further down. `make rooms` draws what the code does.
"""

from __future__ import annotations

import ast
from collections import Counter
from pathlib import Path

from support.room_drawing import DRAWING, draw
from support.room_imports import PACKAGES, ROOT, imports, rooms, sources

#: Of common, every room of the other packages may import these: units and errors, and what travels between processes.
SHARED = "base scenario plan telemetry protocol"

#: package → room → what it may import: rooms of its own package, and others by their package/room.
MAY_IMPORT = {
    "common": {
        "base": "",
        "clocks": "base",
        "scenario": "base",
        "plan": "base scenario",
        "host": "base plan",
        "telemetry": "base scenario plan",
        "reference": "base scenario plan telemetry",
        "resources": "base scenario plan telemetry",
        "protocol": "base scenario plan telemetry clocks",
        "security": "base protocol",
        "transport": "base protocol security",
        "cli": "base scenario plan",
        "client": "base protocol security transport cli",
    },
    "agent": {
        "native/model": "",
        "native/queue": "native/model",
        "native/shared": "native/model",
        "native/io": "native/model",
        "native/frames": "native/model",
        "native/offload": "native/model native/io native/frames",
        "native/path": "native/model native/shared native/io native/frames",
        "native/worker": "native/model native/shared native/path",
        "native/python": "native/model native/shared native/io native/frames native/path native/worker",
        "native": "",
        "ownership": "",
        "kernel": "ownership",
        "cleanup": "ownership kernel common/host",
        "forwarder": "native ownership kernel common/host common/resources",
        "workload": "ownership kernel",
        "telemetry": "kernel",
        "watch": "kernel native",
        "doctor": "ownership kernel common/host",
        "service": "common/host common/clocks common/transport",
        "run": "ownership kernel cleanup forwarder workload telemetry watch service common/host common/resources",
        "simulated": "telemetry service run common/resources common/security common/transport",
        "link": "ownership kernel cleanup forwarder telemetry common/host common/cli",
        "probe": "",
        "lab": "ownership kernel cleanup forwarder common/host common/security common/cli",
        "commands": (
            "ownership kernel cleanup doctor service run simulated link probe lab "
            "common/host common/security common/transport common/client common/cli"
        ),
    },
    "controller": {
        "spec": "common/cli",
        "scenarios": "spec common/cli",
        "makers": "",
        "orbits": "makers",
        "scheduling": "common/resources",
        "lifecycle": "",
        "verdict": "",
        "results": "verdict common/host",
        "study_folder": "results common/host",
        "study": "spec verdict results study_folder common/cli",
        "packets": "scenarios results common/reference common/cli",
        "metrics": "",
        "page": "",
        "report": "verdict results metrics",
        "analysis": "results metrics study_folder",
        "study_report": "report analysis",
        "crate": "results study_folder",
        "verification": "spec verdict results packets",
        "public": "analysis",
        "hub": "lifecycle common/clocks common/transport",
        "backup": "results hub",
        "run": "lifecycle results hub common/transport",
        "service": "spec scheduling lifecycle results report hub run common/transport",
        "view": "lifecycle verdict results study_folder study common/client common/cli",
        "capture": "results view",
        "web": "service lifecycle verdict results study_folder report view page common/host",
        "launch": (
            "scheduling lifecycle results study_folder study report hub run view web "
            "common/host common/transport common/client common/cli"
        ),
        "commands": (
            "spec scenarios makers orbits results study_folder study packets report analysis study_report "
            "crate verification hub backup service view capture web launch "
            "common/host common/security common/transport common/client common/cli"
        ),
    },
    "deploy": {
        "on_host": "",
        "inventory": "common/security controller/spec",
        "bundle": "",
        "ssh": "inventory",
        "hosts": "inventory bundle ssh common/host common/security",
        "slurm": "inventory bundle ssh common/security common/cli",
        "commands": (
            "inventory bundle ssh hosts slurm "
            "common/security common/client common/cli agent/commands agent/doctor controller/view"
        ),
    },
}

#: What runs on a host before plctl is there; it may import nothing of ours.
ALONE = {"deploy/on_host"}
#: Source files in a folder: more, and nobody finds anything in it.
MOST_FILES = 22


def allowed() -> dict[str, list[str]]:
    """For each room what it may import, all by package/room."""
    shared = [f"common/{room}" for room in SHARED.split()]
    found = {}
    for package, table in MAY_IMPORT.items():
        for room, words in table.items():
            named = [word if word.split("/")[0] in PACKAGES else f"{package}/{word}" for word in words.split()]
            common = [] if package == "common" or room.startswith("native/") else shared
            found[f"{package}/{room}"] = [*named, *common]
    return found


def test_every_room_is_listed() -> None:
    """Also those of the C core; and no module lies beside the rooms but what runs a package."""
    assert rooms() == set(allowed())
    beside = [path for path in sources() if len(path.parts) == 2 and path.name not in ("__init__.py", "__main__.py")]
    assert [] == beside


def test_a_room_may_import_lower_rooms_only() -> None:
    """The table's order is an order of the rooms, so no two can need each other, however long the way round."""
    order = list(allowed())
    upward = [
        f"{room} → {target}"
        for room, targets in allowed().items()
        for target in targets
        if target not in order[: order.index(room)]
    ]
    assert [] == upward


def test_rooms_import_only_what_they_list() -> None:
    """A line that reaches for another room needs that room in the table."""
    table = allowed()
    wrong = [
        f"{found.place}: {found.room} may not import {found.target}"
        for found in imports()
        if found.target not in table[found.room] or found.room in ALONE
    ]
    assert [] == wrong


def test_a_folder_holds_few_files() -> None:
    """So that one look at a folder's names is enough."""
    folders = Counter(path.parent for path in sources() if path.name != "__init__.py")
    folders.update(path.relative_to(ROOT).parent for path in (ROOT / "tests").rglob("*.py"))
    assert {} == {str(folder): count for folder, count in folders.items() if count > MOST_FILES}


def test_unit_tests_lie_in_the_room_that_they_test() -> None:
    """tests/unit has the rooms of the product, and no others."""
    unit = ROOT / "tests/unit"
    folders = {path.parent.relative_to(unit) for path in unit.rglob("test_*.py")} - {Path()}
    assert [] == [str(folder) for folder in folders if not any(map(folder.is_relative_to, rooms()))]


def test_no_test_imports_another() -> None:
    """What several tests need is in tests/support, where one finds it."""
    tests = [path for path in (ROOT / "tests").rglob("test_*.py") if path.name != Path(__file__).name]
    mixed = [
        str(path.relative_to(ROOT))
        for path in tests
        if "import test_" in (text := path.read_text()) or ".test_" in text
    ]
    assert ["tests/unit/controller/results/test_part_closer.py"] == mixed  # by itself, in another process


def test_the_drawing_is_current() -> None:
    """docs/rooms.svg shows today's imports; `make rooms` draws it anew."""
    assert draw() == (ROOT / DRAWING).read_text()


def test_no_two_classes_have_one_name() -> None:
    """Who reads a name, in a log, a traceback or a discussion, knows which one is meant; private ones count, too."""
    named: dict[str, list[str]] = {}
    for path in sources():
        if path.suffix == ".py":
            for node in ast.walk(ast.parse((ROOT / path).read_text())):
                if isinstance(node, ast.ClassDef):
                    named.setdefault(node.name, []).append(str(path))
    assert {} == {name: places for name, places in named.items() if len(places) > 1}
