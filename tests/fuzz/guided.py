"""Runs a Python target under atheris, which is libFuzzer: `python guided.py TARGET [libFuzzer's arguments]`."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import atheris

sys.path.insert(0, str(Path(__file__).parent.parent))
with atheris.instrument_imports(include=["plctl"]):
    target = importlib.import_module(f"fuzz.{sys.argv.pop(1)}")
atheris.Setup(sys.argv, target.one_input)
atheris.Fuzz()
