"""The frame of every page that is written: one file, complete in itself, light or dark, on a screen or a phone."""

from __future__ import annotations

from importlib.resources import files

from plctl.controller.report.markup import Markup, element

#: Packages and style sheets in them. The keys of plots are those of the live page.
_SHEETS = (
    ("plctl.controller.page", "static/css/keys.css"),
    ("plctl.controller.report", "report.css"),
)


def document(title: str, *sections: Markup) -> str:
    """A whole page with `sections` one below the other."""
    sheets = (files(package).joinpath(path).read_text(encoding="utf-8") for package, path in _SHEETS)
    style = Markup("".join(sheets))
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("title", f"{title} · plctl"),
        element("style", style),
    )
    return f"<!doctype html>\n{element('html', head, element('body', *sections), lang='en')}\n"
