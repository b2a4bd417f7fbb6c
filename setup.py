"""Tells setuptools what the folders hold, so that no list has to name each package and each C file."""

import runpy
from pathlib import Path

from setuptools import Extension, setup

ROOT = Path(__file__).parent
FOLDERS = ("common", "agent", "controller", "deploy")
NATIVE = "agent/native"
#: What C and Python declare once, and the header that follows from it.
COUNTERS = "common/telemetry/counters.py"
DISCIPLINES = "common/plan/disciplines.py"
HEADERS = {COUNTERS: f"{NATIVE}/shared/counters.h", DISCIPLINES: f"{NATIVE}/model/disciplines.inc"}

#: Folders that are packages under another name than theirs; pyproject.toml says so, too.
PUBLIC = {"controller/public": "plctl.results"}


def packages() -> list[str]:
    """Every folder with an `__init__.py`, as a sub-package of `plctl`."""
    found = (path.parent.relative_to(ROOT) for top in FOLDERS for path in (ROOT / top).rglob("__init__.py"))
    return sorted(PUBLIC.get(str(folder)) or ".".join(("plctl", *folder.parts)) for folder in found)


def files(suffix: str) -> list[str]:
    """The files of the C core that end so, from here."""
    return sorted(str(path.relative_to(ROOT)) for path in (ROOT / NATIVE).rglob(f"*{suffix}"))


def counters_header() -> str:
    """The counters of a half, as Python declares them, for C."""
    table = runpy.run_path(str(ROOT / COUNTERS))
    counters, gauges = table["COUNTERS"].values(), table["GAUGES"]
    names = [*(each.name for each in counters), *gauges]
    logged = {each.logged: each.verdict.upper() for each in counters if each.logged is not None}
    dropped = [each for each in counters if each.group == "dropped" and each.logged is not None]
    terms = " ".join(f"{'+-'[sign < 0]} c[{name.upper()}]" for name, sign in table["BALANCE"].items())
    lines = [
        f"/* Made by setup.py from {COUNTERS}: change it there. */",
        *("#ifndef PLCTL_COUNTERS_H", "#define PLCTL_COUNTERS_H", "", "#include <stdint.h>", ""),
        "enum counter {",
        *(f"\t{each.name.upper()}, /* {each.unit}. {each.doc} */" for each in counters),
        *(f"\t{name.upper()}, /* now, not since the link was added */" for name in gauges),
        *("\tCOUNTERS", "};", ""),
        "#define COUNTER_NAMES " + ", ".join(f'"{name}"' for name in names),
        "",
        "/* What became of a frame, in the packet log. */",
        *("enum logged_verdict {", "\tLOGGED_ADMITTED = 0, /* and sent */"),
        *(f"\tLOGGED_{name} = {number}," for number, name in sorted(logged.items())),
        *("};", ""),
        "/* What counts the frames that the model dropped with a verdict; what counts their bytes follows it. */",
        *("static inline enum counter counter_of_drop(enum logged_verdict verdict)", "{", "\tswitch (verdict) {"),
        *(f"\tcase LOGGED_{each.verdict.upper()}:\n\t\treturn {each.name.upper()};" for each in dropped),
        *("\tdefault:", "\t\t__builtin_trap(); /* the model gives a verdict that is not declared */", "\t}", "}", ""),
        "/* Frames that arrived and of which nobody knows what became: 0 in every snapshot. */",
        "static inline int64_t counters_unaccounted(const uint64_t c[COUNTERS])",
        *("{", f"\treturn (int64_t)({terms} - c[QUEUE_PACKETS] - c[IN_FLIGHT_PACKETS]);", "}", "", "#endif", ""),
    ]
    return "\n".join(lines)


def disciplines_header() -> str:
    """The queueing disciplines that C has a table of functions for, which are all but drop-tail, for C."""
    names = [name for name in runpy.run_path(str(ROOT / DISCIPLINES))["DISCIPLINES"] if name != "droptail"]
    about = "define DISCIPLINE(name) before, to make what is needed of each."
    return "\n".join([f"/* Made by setup.py from {DISCIPLINES}: {about} */", *(f"DISCIPLINE({n})" for n in names), ""])


def write_header(source: str, text: str) -> None:
    """Write it where the C core includes it; if nothing has changed, leave it, so that nothing is built again."""
    header = ROOT / HEADERS[source]
    if not header.exists() or header.read_text() != text:
        header.write_text(text)


write_header(COUNTERS, counters_header())
write_header(DISCIPLINES, disciplines_header())
setup(
    packages=packages(),
    ext_modules=[
        Extension(
            "plctl.agent.native._core",
            sources=files(".c"),
            depends=[*files(".h"), *HEADERS],
            include_dirs=[NATIVE],  # headers are named with their room: "model/half.h"
            extra_compile_args=[
                *("-std=gnu11", "-O2", "-g", "-Wall", "-Wextra", "-Werror", "-pthread", "-fvisibility=hidden"),
                # Two counters loaded as one vector right after each was stored wait for the cache: 100 ns a frame.
                "-fno-tree-slp-vectorize",
            ],
            define_macros=[("Py_LIMITED_API", "0x030B0000"), ("_GNU_SOURCE", "1")],
            py_limited_api=True,
        )
    ],
)
