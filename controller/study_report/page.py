"""Writes the report of a study: one page, complete in itself, and beside it each picture as files for a paper.

No script, no network. It is made from the study's folder alone, so it can be made at any moment and again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path

import pyarrow as pa

from plctl.common.base.errors import UserError
from plctl.controller.analysis.open_study import Progress, StudyResults
from plctl.controller.analysis.statistics import BootstrapInterval, summarise
from plctl.controller.report.document import document
from plctl.controller.report.markup import Markup, element, join
from plctl.controller.report.markup import table as markup_table
from plctl.controller.study_report import band_plots
from plctl.controller.study_report.effects import Effect, effects
from plctl.controller.study_report.figures import FOLDER_NAME, Picture, inline, write_files
from plctl.controller.study_report.layout import FactorLayout, lay_out
from plctl.controller.study_report.metric_plots import boxes, distributions
from plctl.controller.study_report.values import chosen_metrics, is_numeric, ok_rows, title, written

REPORT_NAME = "report.html"


def write_study_report(
    study: StudyResults,
    metrics: Sequence[str] = (),
    target: Path | None = None,
    progress: Progress = lambda _done, _total: None,
) -> Path:
    """Write the report of `study` to `target` (default: report.html in its folder) and return where it is.

    :param metrics: columns of the study's table that are drawn; default: those that programs printed.
    :param progress: called with how many runs are read, of how many.
    :raises UserError: no run is over yet, or a metric is none.
    :raises OSError: the disk refuses.
    """
    table = study.table(progress=progress)
    if wrong := [name for name in metrics if not is_numeric(table, name)]:
        known = ", ".join(name for name in table.column_names if is_numeric(table, name))
        raise UserError(f"{study.name} has no metric {wrong[0]!r:.80}; there are {known}")
    path = target or study.path / REPORT_NAME
    folder = path.parent / FOLDER_NAME
    folder.mkdir(exist_ok=True)
    chosen = list(metrics) or chosen_metrics(ok_rows(table))
    draft = path.with_name(path.name + ".tmp")
    draft.write_text(_page(study, table, chosen, folder), encoding="utf-8")
    return draft.replace(path)


def _page(study: StudyResults, table: pa.Table, metrics: Sequence[str], folder: Path) -> str:
    layout = lay_out(study.factors)
    some = ok_rows(table).num_rows > 0
    sections = [_metric_section(table, metric, study, layout, folder) for metric in metrics if some]
    return document(
        study.name,
        _headline(study),
        _verdicts(study),
        *sections,
        _over_time(study, layout, folder),
        _not_counted(table),
        _unread(table),
    )


def _headline(study: StudyResults) -> Markup:
    rows: list[tuple[str | int, ...]] = [(name, ", ".join(levels)) for name, levels in study.factors.items()]
    cells = study.record.cells
    sentence = f"{len(cells)} cells, {study.record.repetitions} repetitions of each; seed {study.record.seed}."
    return join(element("h1", study.name), element("p", sentence), markup_table(("factor", "levels"), rows))


def _verdicts(study: StudyResults) -> Markup:
    """How each cell's repetitions ended: what was not done stands there too."""
    factors = list(study.factors)
    counted: dict[tuple[str, ...], Counter[str]] = {}
    for row in study.repetitions().to_pylist():
        key = (row["cell"], *(str(row[name]) for name in factors))
        counted.setdefault(key, Counter())[row["verdict"] or "not run"] += 1
    kinds = sorted({kind for each in counted.values() for kind in each}, key=lambda kind: (kind != "ok", kind))
    rows: list[tuple[str | int, ...]] = [
        (*key[1:], *(each[kind] or "" for kind in kinds), key[0]) for key, each in counted.items()
    ]
    total = sum((each for each in counted.values()), Counter())
    words = ", ".join(f"{total[kind]} {kind}" for kind in kinds)
    text = f"{words}. Only runs that are ok are in the pictures and figures below."
    return join(element("h2", "Verdicts"), element("p", text), markup_table((*factors, *kinds, "cell"), rows))


def _metric_section(table: pa.Table, metric: str, study: StudyResults, layout: FactorLayout, folder: Path) -> Markup:
    drawn = ok_rows(table)
    numbers = drawn.filter(drawn[metric].is_valid())
    numbers = numbers.select(
        [*study.factors, *(n for n in ("repetition", "link", "workload", "flow", metric) if n in table.column_names)]
    )
    pictures = (
        Picture(
            f"{metric}-boxes", _caption(metric, layout), lambda palette: boxes(drawn, metric, layout, palette), numbers
        ),
        Picture(
            f"{metric}-cdf",
            f"Distribution of {title(metric)}{_pooled(layout, with_axis=True)}",
            lambda palette: distributions(drawn, metric, layout, palette),
            numbers,
        ),
    )
    return join(
        element("h2", title(metric)),
        _shown(pictures, folder),
        _summary(table, metric, list(study.factors)),
        _effects(effects(table, metric, study.factors)),
    )


def _over_time(study: StudyResults, layout: FactorLayout, folder: Path) -> Markup:
    pictures = []
    for direction in ("up", "down"):
        found = band_plots.bands(study, direction)
        if any(band.high.max() > 0 for band in found):
            caption = f"Carried {direction}, Mbit/s, all links of a run: median and extremes of the repetitions"
            draw = partial(band_plots.draw_bands, found, layout, what=f"carried {direction}, Mbit/s")
            pictures.append(Picture(f"rate-{direction}", caption, draw, band_plots.as_table(found)))
    return join(element("h2", "Over time"), _shown(pictures, folder)) if pictures else Markup()


def _shown(pictures: Iterable[Picture], folder: Path) -> Markup:
    shown = []
    for picture in pictures:
        write_files(picture, folder)
        shown.append(inline(picture))
    return element("div", *shown, class_="figures")


def _summary(table: pa.Table, metric: str, factors: list[str]) -> Markup:
    rows: list[tuple[str | int, ...]] = [
        (
            *(str(each.group[name]) for name in factors),
            each.n,
            each.left_out or "",
            _interval(each.mean, metric),
            _interval(each.median, metric),
        )
        for each in summarise(table, metric, factors)
    ]
    return markup_table((*factors, "n", "left out", "mean [95 %]", "median [95 %]"), rows)


def _effects(found: list[Effect]) -> Markup:
    if not found:
        return Markup()
    rows: list[tuple[str | int, ...]] = [
        (
            each.factor,
            f"{each.first} → {each.second}",
            each.paired.pairs,
            _interval(each.paired.difference, each.metric),
            "–" if each.paired.ratio is None else f"× {each.paired.ratio:.3g}",
        )
        for each in found
    ]
    text = "Each level beside the first one of its factor, over pairs of runs that are alike in all else."
    return join(element("p", text), markup_table(("factor", "levels", "pairs", "difference [95 %]", "ratio"), rows))


def _not_counted(table: pa.Table) -> Markup:
    """Every run that is in no figure, and why: nothing is hidden."""
    left = [row for row in table.to_pylist() if row["verdict"] != "ok" or not row["counts"]]
    seen = dict.fromkeys((row["run"], row["cell"], row["repetition"], row["verdict"]) for row in left)
    if not seen:
        return Markup()
    rows: list[tuple[str | int, ...]] = [tuple(each) for each in seen]
    return join(
        element("h2", "Runs in no figure"),
        element("p", "plctl why LINK --run runs/RUN in the study's folder says why a link is not ok."),
        markup_table(("run", "cell", "repetition", "verdict"), rows),
    )


def _unread(table: pa.Table) -> Markup:
    """Every output from which no metric could be read, of runs that would count."""
    if "problem" not in table.column_names:
        return Markup()
    rows: list[tuple[str | int, ...]] = [
        (row["run"], row["link"], row["problem"]) for row in ok_rows(table).to_pylist() if row["problem"]
    ]
    if not rows:
        return Markup()
    return join(element("h2", "Output that could not be read"), markup_table(("run", "link", "why"), rows))


def _interval(found: BootstrapInterval, metric: str) -> str:
    divisor, unit = written(metric)
    bounds = (
        "" if found.low is None or found.high is None else f" [{found.low / divisor:.4g}, {found.high / divisor:.4g}]"
    )
    return f"{found.value / divisor:.4g}{bounds} {unit}".strip()


def _caption(metric: str, layout: FactorLayout) -> str:
    by = f" by {layout.axis}" if layout.axis else ""
    return f"{title(metric)}{by}: quartiles, extremes and every value{_pooled(layout)}"


def _pooled(layout: FactorLayout, *, with_axis: bool = False) -> str:
    together = [*layout.pooled, *([layout.axis] if with_axis and layout.axis else [])]
    return f"; all levels of {', '.join(together)} together" if together else ""
