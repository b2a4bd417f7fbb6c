"""Tells setuptools what the folders hold, so that no list has to name each package and each C file."""

from pathlib import Path

from setuptools import Extension, setup

ROOT = Path(__file__).parent
FOLDERS = ("common", "agent", "controller", "deploy")
NATIVE = "agent/native"


def packages() -> list[str]:
    """Every folder with an `__init__.py`, as a sub-package of `plctl`."""
    found = (path.parent.relative_to(ROOT) for top in FOLDERS for path in (ROOT / top).rglob("__init__.py"))
    return sorted(".".join(("plctl", *folder.parts)) for folder in found)


def files(suffix: str) -> list[str]:
    """The files of the C core that end so, from here."""
    return sorted(str(path.relative_to(ROOT)) for path in (ROOT / NATIVE).rglob(f"*{suffix}"))


setup(
    packages=packages(),
    ext_modules=[
        Extension(
            "plctl.agent.native._core",
            sources=files(".c"),
            depends=files(".h"),
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
