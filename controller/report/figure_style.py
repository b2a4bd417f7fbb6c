"""How every plot of the report looks: small SVGs that stand inline in a page and follow its colours, light or dark.

The same plots are also files for a paper, dark on white, with their numbers as CSV.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pyarrow as pa
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import StepPatch
from pyarrow import csv

from plctl.controller.report.markup import Markup

#: Colours by what they are for; matplotlib knows them by these names, in the palette that is in force.
INK, MUTED, GRID, ASKED, MEASURED, WORSE, BAD = (
    f"plctl:{name}" for name in ("ink", "muted", "grid", "asked", "measured", "worse", "bad")
)
#: Of the page: stand-ins that the SVG gets, replaced by the page's own (report.css).
_PAGE = {name: f"#0a0b{number:02x}" for number, name in enumerate((INK, MUTED, GRID, ASKED, MEASURED, WORSE, BAD))}
#: Of files: told apart in grey and by most who see colours otherwise (Okabe & Ito).
_PAPER = {INK: "#000000", MUTED: "#555555", GRID: "#dddddd", ASKED: "#e69f00", MEASURED: "#0072b2", WORSE: "#cc79a7",
          BAD: "#d55e00"}  # fmt: skip


def _use(colours: Mapping[str, str]) -> None:
    """Let the names of colours stand for these."""
    known = mpl.colors.get_named_colors_mapping()
    for name, colour in colours.items():
        known[name] = colour  # one by one: what a colour was is forgotten only so


_use(_PAGE)
STYLE: dict[Any, Any] = {  # matplotlib's own type for the keys is a list of all of them
    "svg.fonttype": "none",
    "font.size": 8.0,
    "axes.edgecolor": MUTED,
    "axes.labelcolor": INK,
    "axes.titlecolor": INK,
    "text.color": INK,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "grid.color": GRID,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlelocation": "left",
    "axes.titlesize": 8.0,
    "lines.linewidth": 1.2,
}
#: Two panels, one above the other: two such figures fit beside each other on a screen, and one on a phone, where
#: report.css makes the words larger.
SIZE_INCHES = (5.3, 3.7)


def stacked(
    titles: Sequence[str], label: str, *, above: float = 0, x_format: str = "{x:g} s"
) -> tuple[Figure, list[Axes]]:
    """A figure of two panels with one time axis and one scale, under `titles`; `label` says what is drawn.

    :param above: so many points are left free between each panel and its title.
    :param x_format: of what stands at the horizontal axis.
    """
    figure = Figure(figsize=SIZE_INCHES)
    both = list(figure.subplots(2, 1, sharex=True, sharey=True))
    figure.subplots_adjust(left=0.125, right=0.975, top=0.935 - above / 260, bottom=0.07, hspace=0.24 + above / 100)
    for axes, title in zip(both, titles, strict=True):
        axes.set_title(title, pad=4 + above, y=1)  # else matplotlib looks where it fits, at every drawing
        axes.xaxis.set_major_formatter(x_format)
    figure.text(0.02, 0.5, label, rotation="vertical", ha="center", va="center")
    figure.set_label(label)
    return figure, both


class Plot(Markup):
    """A plot as an `<svg>` for the page, that can be drawn again as a file."""

    def __new__(cls, make: Callable[[], Figure], description: str) -> Plot:
        """Draw what `make` makes, under `description`, which also makes the SVG's ids differ from other plots'."""
        with mpl.rc_context({**STYLE, "svg.hashsalt": description}):
            plot = super().__new__(cls, svg(make(), description))
        plot._make = make
        return plot

    _make: Callable[[], Figure]

    def write_files(self, folder: Path, name: str) -> None:
        """Write `name`.svg, .pdf and .csv into `folder`, which exists: all that is drawn and has a label.

        :raises OSError: the disk refuses.
        """
        style = {**STYLE, "svg.fonttype": "path", "pdf.fonttype": 42, "svg.hashsalt": name}
        with mpl.rc_context(style), _palette(_PAPER):
            figure = self._make()
            figure.savefig(folder / f"{name}.svg", metadata={"Date": None})
            figure.savefig(folder / f"{name}.pdf", metadata={"CreationDate": None})
        csv.write_csv(numbers_of(figure), folder / f"{name}.csv")


def on_one_scale(plots: Sequence[Markup], name: str) -> list[Markup]:
    """Plots of the same thing, drawn again so that all have the same axes; what is no plot stays as it is.

    Where they are not in the same unit, they have the horizontal axis in common only.

    `name` makes their ids differ from those of other plots on the page.
    """
    with mpl.rc_context(STYLE):
        figures = [plot._make() if isinstance(plot, Plot) else None for plot in plots]
    drawn = [figure.axes for figure in figures if figure]
    units = {str(figure.get_label()) for figure in figures if figure}
    for panels in zip(*drawn, strict=True):
        limits = np.array([(*axes.get_xlim(), *axes.get_ylim()) for axes in panels])
        for axes in panels:
            axes.set_xlim(limits[:, 0].min(), limits[:, 1].max())
            if len(units) == 1:
                axes.set_ylim(limits[:, 2].min(), limits[:, 3].max())
    found = []
    for number, (plot, figure) in enumerate(zip(plots, figures, strict=True)):
        with mpl.rc_context({**STYLE, "svg.hashsalt": f"{name}/{number}"}):
            found.append(svg(figure, f"{name}, run {number + 1}") if figure else plot)
    return found


@contextmanager
def _palette(colours: Mapping[str, str]) -> Iterator[None]:
    """Colours are these for a while."""
    _use(colours)
    try:
        yield
    finally:
        _use(_PAGE)


def numbers_of(figure: Figure) -> pa.Table:
    """What is drawn in a figure: a row for each point of each curve that has a label.

    Columns: panel, curve, x and y, in the units that the axes have, which `axis` says; bars reach to the next x.
    """
    axis = str(figure.get_label())
    rows: list[tuple[str, str, float, float]] = []
    for axes in figure.axes:
        panel = axes.get_title(loc="left")
        for line in axes.get_lines():
            rows += _points(panel, line.get_label(), *line.get_data())
        for patch in axes.patches:
            if isinstance(patch, StepPatch):
                values, edges, baseline = patch.get_data()
                rows += _points(panel, patch.get_label(), edges[:-1], values - baseline)
    columns = list(zip(*rows, strict=True)) or [(), (), (), ()]
    names = {"panel": pa.string(), "curve": pa.string(), "x": pa.float64(), "y": pa.float64()}
    table = pa.table([pa.array(each, kind) for each, kind in zip(columns, names.values(), strict=True)], list(names))
    return table.append_column("axis", pa.array([axis] * table.num_rows, pa.string()))


def _points(panel: str, label: object, xs: Any, ys: Any) -> list[tuple[str, str, float, float]]:
    if str(label).startswith("_"):
        return []
    pairs = zip(np.asarray(xs, float).tolist(), np.asarray(ys, float).tolist(), strict=True)
    return [(panel, str(label), x, y) for x, y in pairs if not np.isnan(y)]


def draw_nothing() -> None:
    """Let matplotlib look for fonts and import what draws SVG now: a tenth of a second of the first plot."""
    Plot(lambda: stacked(("", ""), "")[0], "nothing")


def svg(figure: Figure, description: str) -> Markup:
    """`figure` as an `<svg>` element: themed, without what an inline image does not need."""
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    text = buffer.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>\s*", "", text, flags=re.DOTALL)
    text = re.sub(r' id="[A-Za-z.]+_[0-9_]+"', "", text)  # groups; would clash with those of other plots
    text = re.sub(r"(?<![\d.])(\d+\.\d\d)\d+(?![\d.])", r"\1", text)  # coordinates, and no IP addresses
    text = re.sub(r"\n\s*", "\n", text)
    for name, colour in _PAGE.items():
        text = text.replace(colour, f"var(--{name.removeprefix('plctl:')})")
    label = re.sub(r"[^\w .:-]", "", description)
    opening = rf'<svg viewBox="\1" role="img" aria-label="{label}">'
    return Markup(re.sub(r'<svg [^>]*?viewBox="([^"]+)"[^>]*>', opening, text, count=1))
