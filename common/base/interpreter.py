"""How a process of plctl starts another: no module is ever taken from the current folder, where anything may lie."""

from __future__ import annotations

import sys


def module_command(module: str, *arguments: str) -> list[str]:
    """The command line that runs `module` with `arguments` by this interpreter, at least as isolated as this process.

    A plain `-m` puts the current folder first in the module path: root would run a `queue.py` that lies there.
    """
    return [sys.executable, "-I" if sys.flags.isolated else "-P", "-m", module, *arguments]
