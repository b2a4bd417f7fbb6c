"""Runs a Python target under atheris, which is libFuzzer: `python guided.py TARGET [libFuzzer's arguments]`.

TARGET is a module of this folder, or `readers.NAME`, the reader of one format.
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import atheris

sys.path.insert(0, str(Path(__file__).parent.parent))
with atheris.instrument_imports(include=["plctl"]):
    module, _, name = sys.argv.pop(1).partition(".")
    target = importlib.import_module(f"fuzz.{module}")
    one_input = target.target(name) if name else target.one_input
atheris.Setup(sys.argv, one_input)
atheris.Fuzz()
