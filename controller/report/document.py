"""The frame of every page that is written: one file, complete in itself, light or dark, on a screen or a phone."""

from __future__ import annotations

from importlib.resources import files

from plctl.controller.report.markup import Markup, element


def document(title: str, *sections: Markup) -> str:
    """A whole page with `sections` one below the other."""
    style = Markup(files("plctl.controller.report").joinpath("report.css").read_text(encoding="utf-8"))
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("title", f"{title} · plctl"),
        element("style", style),
    )
    return f"<!doctype html>\n{element('html', head, element('body', *sections), lang='en')}\n"
