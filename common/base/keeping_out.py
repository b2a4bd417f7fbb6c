"""Keeps out of this process what others import without need: pyarrow pandas, structlog rich, pyroute2 all of itself.

pyarrow imports pandas when it is handed a list, which takes a quarter of a second; structlog imports what draws
tracebacks in colours, a tenth of one; of pyroute2 links need the messages, a sixth of what the package imports.
"""

from __future__ import annotations

import sys
from contextlib import suppress
from importlib import import_module
from importlib.abc import MetaPathFinder
from importlib.util import find_spec, module_from_spec
from types import ModuleType
from typing import Any


class _KeptOut(MetaPathFinder):
    def __init__(self, names: tuple[str, ...]) -> None:
        self._names = names

    def find_spec(self, name: str, _path: object = None, _target: object = None) -> None:
        if name in self._names:
            raise ModuleNotFoundError(f"this command does without {name}", name=name)


def keep_out(*names: str) -> None:
    """From now on this process has no modules of these names, unless it has them already. For commands alone."""
    sys.meta_path.insert(0, _KeptOut(names))


class _Parts(ModuleType):
    """A package that was not executed; it is, once somebody wants more of it than its parts."""

    def __getattr__(self, name: str) -> Any:
        if not name.startswith("__"):
            with suppress(ModuleNotFoundError):
                return import_module(f"{self.__name__}.{name}")
            object.__setattr__(self, "__class__", ModuleType)
            assert self.__spec__
            assert self.__spec__.loader
            self.__spec__.loader.exec_module(self)
        return object.__getattribute__(self, name)


def parts_only(name: str) -> None:
    """From now on to import a part of the package `name` does not import the others. For commands alone."""
    if name not in sys.modules and (spec := find_spec(name)):
        module = module_from_spec(spec)
        module.__class__ = _Parts
        sys.modules[name] = module
