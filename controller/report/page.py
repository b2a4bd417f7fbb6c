"""Writes report.html: one page, complete in itself, from which a stranger sees what ran and whether to believe it.

No script, no network, no font from elsewhere. It is made from the run's folder alone, so it can be made again.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from plctl.common.base.errors import UserError
from plctl.controller.report.document import document
from plctl.controller.report.link_part import link_section
from plctl.controller.report.markup import Markup, element, join
from plctl.controller.report.run_part import MAX_SOURCE, asked_section, glossary, headline, links_section
from plctl.controller.results import socket_stats_file, source_files, telemetry_file
from plctl.controller.results.run_reader import REPORT_NAME, read_record
from plctl.controller.results.run_record import LinkRecord, RunRecord
from plctl.controller.verdict.verdict import Verdict

#: How many links are drawn: a page of a megabyte or two, made in a few seconds.
MAX_DRAWN = 8


def write(folder: Path, *, links: Sequence[str] = (), target: Path | None = None) -> Path:
    """Write the report of the run in `folder` to `target` (default: report.html in it) and return where it is.

    Plots are drawn of `links`, or if none are named of the first `MAX_DRAWN`, those that are not ok before the others.

    :raises UserError: `folder` is no run's folder, or a link is not one of the run's.
    :raises OSError: the disk refuses.
    """
    record = read_record(folder)
    drawn = choose(record, links)
    path = target or folder / REPORT_NAME
    draft = path.with_name(path.name + ".tmp")
    draft.write_text(page(folder, record, drawn), encoding="utf-8")
    return draft.replace(path)


def page(folder: Path, record: RunRecord, drawn: Sequence[LinkRecord]) -> str:
    """The whole page, with plots of the links in `drawn`."""
    names, t0_by_host = [link.plan.name for link in drawn], record.t0_by_host()
    telemetry = telemetry_file.read(folder, record.run, t0_by_host, links=names)
    sockets = socket_stats_file.read(folder, record.run, t0_by_host, links=names)
    sources = record.sources if record.format == 1 else source_files.read(folder, record.sources, most=MAX_SOURCE + 1)
    sections = [
        link_section(folder, record, link, telemetry, sockets, opened=_opened(number, link))
        for number, link in enumerate(drawn)
    ]
    return document(
        f"{record.name}: {record.verdict or 'unfinished'}",
        headline(record),
        asked_section(record, sources),
        links_section(record),
        element("h2", "Asked and measured, link by link"),
        _omission(record, drawn, folder),
        *sections,
        glossary(record),
    )


def choose(record: RunRecord, names: Sequence[str]) -> list[LinkRecord]:
    """The links to draw, in the order of the run."""
    known = [link.plan.name for link in record.links]
    if unknown := [name for name in names if name not in known]:
        raise UserError(f"run {record.run} has no link {unknown[0]!r}; it has {', '.join(known[:20])}")
    if not names:
        names = [link.plan.name for link in sorted(record.links, key=_is_ok)[:MAX_DRAWN]]
    return [link for link in record.links if link.plan.name in names]


def _is_ok(link: LinkRecord) -> bool:
    return link.verdict == Verdict.OK


def _opened(number: int, link: LinkRecord) -> bool:
    """Whether the section of a drawn link is shown unfolded: the first ones, and what needs to be looked at."""
    return number < 3 or not _is_ok(link)


def _omission(record: RunRecord, drawn: Sequence[LinkRecord], folder: Path) -> Markup:
    """Says how many links are not drawn and how to see them; nothing if all are."""
    missing = len(record.links) - len(drawn)
    if not missing:
        return Markup()
    command = element("code", f"plctl report {folder.name} --link NAME --out other.html")
    return element(
        "p",
        join(
            f"Drawn are {len(drawn)} of {len(record.links)} links, those that are not ok before the others."
            " The table above has them all; ",
            command,
            " in the folder of the runs draws any other.",
        ),
        class_="muted",
    )
