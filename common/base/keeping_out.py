"""Keeps pyarrow from importing pandas, where that is installed, when it is handed a list: a quarter of a second."""

from __future__ import annotations

import sys
from importlib.abc import MetaPathFinder


class _NoPandas(MetaPathFinder):
    def find_spec(self, name: str, _path: object = None, _target: object = None) -> None:
        if name == "pandas":
            raise ModuleNotFoundError(f"this command does without {name}", name=name)


def keep_pandas_out() -> None:
    """From now on this process has no pandas, unless it has it already. For commands, never for notebooks."""
    sys.meta_path.insert(0, _NoPandas())
