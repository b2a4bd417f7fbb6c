"""Writes two runs side by side on one page: what was asked differently, verdicts, and the same plots on one scale."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa

from plctl.common.base.errors import UserError
from plctl.common.base.units import format_duration
from plctl.common.protocol.messages import DirectionResult
from plctl.common.scenario.schedule import DIRECTIONS
from plctl.controller.report.differences import Difference, of_links, of_runs
from plctl.controller.report.document import document
from plctl.controller.report.figure_style import on_one_scale
from plctl.controller.report.link_part import curves_of
from plctl.controller.report.link_plots import LinkCurves
from plctl.controller.report.markup import Markup, element, join, table
from plctl.controller.report.picture_files import plots
from plctl.controller.report.run_part import badge
from plctl.controller.results import socket_stats_file, telemetry_file
from plctl.controller.results.run_reader import read_record
from plctl.controller.results.run_record import LinkRecord, RunRecord

#: How many pairs of links are drawn: twice as many plots stand on this page as on one of a single run.
MAX_PAIRS = 4
#: What each plot shows, by its name in `plots`.
CAPTIONS = {
    "delay": "Delay: asked for (broad), median of the time in the link (thin), its minimum to 99th percentile (area)",
    "rate": "Rate: of the bottleneck as asked for (broad), carried (thin)",
    "queue": "Queue: bytes waiting at the bottleneck",
    "drops": "Drops: by the emulated queue, and, red, losses by the machine",
    "path": "Marks and random losses",
    "queue-management": "Queue management: the discipline's own state",
    "lateness": "Lateness: median, 99th percentile and maximum; dashed: the budget",
    "delay-spread": "Spread of the delay: asked for (broad), time in the link (thin)",
    "congestion-window": "Congestion windows of TCP senders, and the queue that they send into (area)",
    "round-trip-time": "Round-trip times of TCP senders, and the delay asked for there and back (broad)",
    "throughput": "Throughput of programs, and the rate asked for (broad)",
    "ping": "Round-trip time of ping, and the delay asked for there and back (broad)",
}
_NONE = ": there was nothing of that."
_HEADERS = ("", "first", "second")


class Side(NamedTuple):
    """One of the runs."""

    name: str  #: "first" or "second"
    folder: Path
    record: RunRecord


Pair = tuple[LinkRecord, LinkRecord]


def write(folders: tuple[Path, Path], target: Path, links: Sequence[str] = ()) -> Path:
    """Write the page of the runs in two folders to `target`, with the links that are called so; where it is.

    :raises UserError: a folder is no run's, or the runs have no link in common.
    :raises OSError: the disk refuses.
    """
    first, second = (Side(name, each, read_record(each)) for name, each in zip(_HEADERS[1:], folders, strict=True))
    pairs = pair_links(first.record, second.record, links)
    draft = target.with_name(target.name + ".tmp")
    draft.write_text(page(first, second, pairs), encoding="utf-8")
    return draft.replace(target)


def page(first: Side, second: Side, pairs: Sequence[Pair]) -> str:
    """The whole page, with plots of the first `MAX_PAIRS` of `pairs`."""
    left_out = len(pairs) - MAX_PAIRS
    remark = f"Drawn are {MAX_PAIRS} of {len(pairs)} links that both have; --link NAME chooses others."
    return document(
        f"{first.record.name} and {second.record.name}",
        element("h1", "Two runs side by side"),
        _runs(first, second),
        element("h2", "What differs in what was asked"),
        _differences(of_runs(first.record, second.record), "Nothing of the runs as a whole."),
        element("h2", "Links"),
        _results(pairs),
        element("h2", "Asked and measured, on the same scales"),
        element("p", remark, class_="muted") if left_out > 0 else Markup(),
        *(_pair(first, second, pair) for pair in pairs[:MAX_PAIRS]),
    )


def pair_links(first: RunRecord, second: RunRecord, names: Sequence[str]) -> list[Pair]:
    """The links that both runs have by name, or the only ones of both; of these only `names`, if there are any.

    :raises UserError: there are none.
    """
    theirs = {link.plan.name: link for link in second.links}
    pairs = [(link, theirs[link.plan.name]) for link in first.links if link.plan.name in theirs]
    if not pairs and len(first.links) == len(second.links) == 1:
        pairs = [(first.links[0], second.links[0])]
    if missing := [name for name in names if name not in {link.plan.name for link, _ in pairs}]:
        raise UserError(f"not both runs have a link {missing[0]!r:.80}")
    if not pairs:
        raise UserError(f"runs {first.run} and {second.run} have no link of the same name; name their links alike")
    return [pair for pair in pairs if not names or pair[0].plan.name in names]


def _runs(first: Side, second: Side) -> Markup:
    rows: list[tuple[str | int, ...]] = [
        ("run", first.record.run, second.record.run),
        ("verdict", *(badge(side.record.verdict) for side in (first, second))),
        ("cause", *(side.record.cause or "–" for side in (first, second))),
        ("T0", *(side.record.t0_utc or "never reached" for side in (first, second))),
    ]
    return table(_HEADERS, rows, class_="differences")


def _differences(found: Sequence[Difference], nothing: str) -> Markup:
    if not found:
        return element("p", nothing)
    return table(_HEADERS, [tuple(each) for each in found], class_="differences")


def _results(pairs: Sequence[Pair]) -> Markup:
    """A line for each direction of each pair: what came of it in both runs."""
    headers = ("link", "", "verdict, first", "second", "delivered, first", "second", "dropped, first", "second",
               "lateness p99, first", "second")  # fmt: skip
    rows: list[tuple[str | int, ...]] = []
    for pair in pairs:
        for direction in DIRECTIONS:
            upper = direction == DIRECTIONS[0]
            verdicts = [badge(link.verdict) if upper else "" for link in pair]
            halves = [getattr(link.result, direction) if link.result else None for link in pair]
            rows.append((pair[0].plan.name if upper else "", direction, *verdicts, *_figures(halves)))
    return table(headers, rows)


def _figures(halves: Sequence[DirectionResult | None]) -> Iterator[str]:
    for name in ("delivered_packets", "dropped"):
        yield from (f"{getattr(half, name):,}".replace(",", " ") if half else "–" for half in halves)
    for half in halves:
        yield format_duration(half.lateness_p99_ns) if half and half.lateness_p99_ns >= 0 else "–"


def _pair(first: Side, second: Side, pair: Pair) -> Markup:
    """One link in both runs: what differs, and each plot that one of them has twice."""
    sides = [*zip((first, second), pair, strict=True)]
    curves = [_curves(side, link) for side, link in sides]
    others = [tuple(each for each in curves if each and each is not own) for own in curves]
    drawn = [dict(_plots(side, link, beside)) for (side, link), beside in zip(sides, others, strict=True)]
    figures = [
        element("div", element("h4", CAPTIONS[name]), _both(name, sides, [each.get(name, Markup()) for each in drawn]))
        for name in CAPTIONS
        if any(each.get(name) for each in drawn)
    ]
    verdicts = join(badge(pair[0].verdict), " ", badge(pair[1].verdict))
    title = element("summary", element("h3", pair[0].plan.name), " ", verdicts)
    differences = _differences(of_links(*pair), "Both were asked for the same.")
    return element("details", title, differences, *figures, class_="link", open=True)


def _telemetry(side: Side, link: LinkRecord) -> pa.Table:
    return telemetry_file.read(side.folder, side.record.run, side.record.t0_by_host(), links=[link.plan.name])


def _curves(side: Side, link: LinkRecord) -> LinkCurves | None:
    return curves_of(side.record, link, _telemetry(side, link))


def _plots(side: Side, link: LinkRecord, beside: tuple[LinkCurves, ...]) -> Iterator[tuple[str, Markup]]:
    record, names = side.record, [link.plan.name]
    sockets = socket_stats_file.read(side.folder, record.run, record.t0_by_host(), links=names)
    return plots(side.folder, record, link, _telemetry(side, link), sockets, beside=beside)


def _both(name: str, sides: Sequence[tuple[Side, LinkRecord]], drawn: Sequence[Markup]) -> Markup:
    figures = []
    for (side, _), plot in zip(sides, on_one_scale(drawn, f"{name} of {sides[0][1].plan.name}"), strict=True):
        words = f", {side.record.name}{'' if plot else _NONE}"
        figures.append(element("figure", element("figcaption", element("b", side.name), words), plot))
    return element("div", *figures, class_="figures")
