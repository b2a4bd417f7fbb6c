"""How the documents become a site: `make docs`. What follows from the code is generated first (`generate.py`)."""

from __future__ import annotations

import importlib.metadata
import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

import generate  # noqa: E402  # beside this file, which is no package
from sphinx.application import Sphinx  # noqa: E402

generate.write(HERE / "reference" / "generated")

project = "plctl"
author = "the plctl developers"
release = importlib.metadata.version("plctl")
extensions = ["myst_parser", "sphinx_click"]
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 4
exclude_patterns = ["reference/generated/*"]
html_theme = "furo"
html_title = "plctl"
html_show_copyright = False
html_static_path = ["static"]
html_css_files = ["tables.css"]
nitpicky = False
smartquotes_action = "qe"  # two hyphens are the beginning of an option, no dash


def _escape(app: object, context: object, lines: list[str]) -> None:  # noqa: ARG001  (sphinx-click's signature)
    """A star in a command's help is a glob, never emphasis, and an address no link."""
    lines[:] = [line.replace("*", r"\*").replace("tcp://", r"tcp\://") for line in lines]


def setup(app: Sphinx) -> None:
    """Have the help of commands taken literally."""
    for part in ("description", "options", "arguments", "epilog"):
        app.connect(f"sphinx-click-process-{part}", _escape)
