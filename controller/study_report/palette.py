"""Colours of a picture: those of the page, which follow its theme, or those of a file for a paper."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from plctl.controller.report.figure_style import ASKED, BAD, GRID, INK, MEASURED, MUTED, STYLE, WORSE


@dataclass(frozen=True, slots=True)
class Palette:
    """Colours by what they are for."""

    ink: str
    muted: str
    grid: str
    levels: tuple[str, ...]  #: of the levels of one factor; more levels than these share colours

    @property
    def style(self) -> dict[Any, Any]:
        """What matplotlib shall use by default."""
        mine = {INK: self.ink, MUTED: self.muted, GRID: self.grid}
        return {name: mine.get(value, value) if isinstance(value, str) else value for name, value in STYLE.items()}


#: Of the page; `figure_style.svg` puts the theme's colours in their place.
PAGE = Palette(INK, MUTED, GRID, (MEASURED, WORSE, ASKED, BAD, MUTED))
#: Of files: dark on white, told apart in grey and by most who see colours otherwise (Okabe & Ito).
PAPER = Palette("#000000", "#555555", "#dddddd", ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00"))
