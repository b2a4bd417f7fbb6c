"""The part of the report that shows what a link's verdict rests on: every witness, and what it said."""

from __future__ import annotations

from plctl.controller.report.markup import Markup, element, table
from plctl.controller.report.run_part import badge
from plctl.controller.results.run_record import LinkRecord
from plctl.controller.verdict.certificate_text import in_short, mark, ordered, span
from plctl.controller.verdict.verdict import Statement, Verdict

_HEADERS = ("", "witness", "heard", "from – to, after T0", "what it said")


def certificate_part(link: LinkRecord) -> Markup:
    """What the verdict rests on, unfolded if a witness objects."""
    if not link.certificate:
        return Markup()
    rows: list[tuple[str | int, ...]] = [
        (
            _mark(statement),
            statement.witness,
            "yes" if statement.heard else "no",
            span(statement, link.planned_ns),
            f"{statement.says}.",
        )
        for statement in ordered(link.certificate)
    ]
    return element(
        "details",
        element("summary", f"Certificate: {in_short([link.certificate])}."),
        table(_HEADERS, rows, "certificate"),
        open=link.verdict != Verdict.OK,
    )


def _mark(statement: Statement) -> Markup:
    text = mark(statement)
    return badge(text) if text == statement.verdict else element("span", text, class_="muted")
