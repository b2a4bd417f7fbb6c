"""Does something inside a network namespace that is known by a descriptor, so that nobody can take its name away."""

from __future__ import annotations

import ctypes
import os
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

_CLONE_NEWNET = 0x40000000
_NAMES = Path("/run/netns")
_libc = ctypes.CDLL(None, use_errno=True)

Made = TypeVar("Made")


def open_namespace(name: str) -> int:
    """A descriptor that keeps the namespace in being."""
    return os.open(_NAMES / name, os.O_RDONLY | os.O_CLOEXEC)


def inside(namespace: int, make: Callable[[], Made]) -> Made:
    """What `make` returns, called by a thread of its own in the namespace."""
    made: list[Made] = []
    failures: list[BaseException] = []

    def enter() -> None:
        try:
            if _libc.setns(namespace, _CLONE_NEWNET):
                raise OSError(ctypes.get_errno(), "cannot enter the namespace")
            made.append(make())
        except BaseException as error:
            failures.append(error)

    thread = threading.Thread(target=enter, name="inside")
    thread.start()
    thread.join()
    if failures:
        raise failures[0]
    return made[0]


def command(namespace: int, *words: str) -> subprocess.CompletedProcess[str]:
    """The outcome of a command in the namespace; it may fail."""
    return inside(namespace, lambda: subprocess.run(words, capture_output=True, text=True, check=False, timeout=20))
