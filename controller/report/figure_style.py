"""How every plot of the report looks: small SVGs that stand inline in a page and follow its colours, light or dark."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from plctl.controller.report.markup import Markup

#: Stand-ins that the SVG gets as colours, replaced by the page's own (report.css).
INK, MUTED, GRID, ASKED, MEASURED, WORSE, BAD = (f"#0a0b{n:02x}" for n in range(7))
_VARIABLES = {INK: "ink", MUTED: "muted", GRID: "grid", ASKED: "asked", MEASURED: "measured", WORSE: "worse",
              BAD: "bad"}  # fmt: skip
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


def stacked(titles: Sequence[str], label: str, *, above: float = 0) -> tuple[Figure, list[Axes]]:
    """A figure of two panels with one time axis and one scale, under `titles`; `label` says what is drawn.

    :param above: so many points are left free between each panel and its title.
    """
    figure = Figure(figsize=SIZE_INCHES)
    both = list(figure.subplots(2, 1, sharex=True, sharey=True))
    figure.subplots_adjust(left=0.125, right=0.975, top=0.935 - above / 260, bottom=0.07, hspace=0.24 + above / 100)
    for axes, title in zip(both, titles, strict=True):
        axes.set_title(title, pad=4 + above)
        axes.xaxis.set_major_formatter("{x:g} s")
    figure.text(0.02, 0.5, label, rotation="vertical", ha="center", va="center")
    return figure, both


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
    for colour, name in _VARIABLES.items():
        text = text.replace(colour, f"var(--{name})")
    label = re.sub(r"[^\w .:-]", "", description)
    opening = rf'<svg viewBox="\1" role="img" aria-label="{label}">'
    return Markup(re.sub(r'<svg [^>]*?viewBox="([^"]+)"[^>]*>', opening, text, count=1))
