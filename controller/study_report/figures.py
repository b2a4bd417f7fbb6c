"""A picture in its three forms: inline in the page, as SVG and PDF for a paper, and its numbers as CSV."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import matplotlib as mpl
import pyarrow as pa
from matplotlib.figure import Figure
from pyarrow import csv

from plctl.controller.report.figure_style import svg
from plctl.controller.report.markup import Markup, element, join
from plctl.controller.study_report.palette import PAGE, PAPER, Palette

FOLDER_NAME = "figures"


@dataclass(frozen=True, slots=True)
class Picture:
    """What can be drawn in any palette, and the numbers behind it."""

    name: str  #: of its files, without suffix
    caption: str
    draw: Callable[[Palette], Figure]
    numbers: pa.Table


def inline(picture: Picture) -> Markup:
    """`picture` for the page, with links to its files (`write_files`)."""
    with mpl.rc_context({**PAGE.style, "svg.hashsalt": picture.name}):
        drawn = svg(picture.draw(PAGE), picture.caption)
    links = [
        element("a", suffix.upper(), href=f"{FOLDER_NAME}/{picture.name}.{suffix}") for suffix in ("svg", "pdf", "csv")
    ]
    files = join(links[0], ", ", links[1], "; its numbers: ", links[2])
    return element("figure", drawn, element("figcaption", join(picture.caption, ". ", files)))


def write_files(picture: Picture, folder: Path) -> None:
    """Write `picture` into `folder`, which exists.

    :raises OSError: the disk refuses.
    """
    style = {**PAPER.style, "svg.fonttype": "path", "pdf.fonttype": 42, "svg.hashsalt": picture.name}
    with mpl.rc_context(style):
        figure = picture.draw(PAPER)
        figure.savefig(folder / f"{picture.name}.svg", metadata={"Date": None})
        figure.savefig(folder / f"{picture.name}.pdf", metadata={"CreationDate": None})
    csv.write_csv(picture.numbers, folder / f"{picture.name}.csv")
