"""Opens what matplotlib keeps open for the life of a process, so that no test seems to leak it."""

from __future__ import annotations

import io

from matplotlib.figure import Figure


def open_fonts() -> None:
    """Draw a text in each format."""
    figure = Figure()
    figure.text(0, 0, "→")
    for kind in ("svg", "pdf"):
        figure.savefig(io.BytesIO(), format=kind)
