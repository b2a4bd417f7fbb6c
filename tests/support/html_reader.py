"""Reads a page of HTML as a browser would: which tags it has, and which text."""

from __future__ import annotations

from html.parser import HTMLParser

from plctl.controller.report.markup import Markup


class Reader(HTMLParser):
    """Collects the tags and the text that a browser would see."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def read(markup: Markup) -> Reader:
    """What is in `markup`."""
    reader = Reader()
    reader.feed(markup)
    reader.close()
    return reader
