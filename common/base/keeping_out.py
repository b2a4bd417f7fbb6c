"""Keeps out of this process what others import only because it is installed: pyarrow pandas, structlog rich.

pyarrow imports pandas when it is handed a list, which takes a quarter of a second; structlog imports what draws
tracebacks in colours, a tenth of one.
"""

from __future__ import annotations

import sys
from importlib.abc import MetaPathFinder


class _KeptOut(MetaPathFinder):
    def __init__(self, names: tuple[str, ...]) -> None:
        self._names = names

    def find_spec(self, name: str, _path: object = None, _target: object = None) -> None:
        if name in self._names:
            raise ModuleNotFoundError(f"this command does without {name}", name=name)


def keep_out(*names: str) -> None:
    """From now on this process has no modules of these names, unless it has them already. For commands alone."""
    sys.meta_path.insert(0, _KeptOut(names))
