"""Builds HTML in which text from users cannot become markup: whatever is not `Markup` is escaped."""

from __future__ import annotations

from html import escape

_VOID = frozenset({"meta", "br", "hr"})


class Markup(str):
    """Text that is HTML already."""

    __slots__ = ()


def element(tag: str, *children: str | int, **attributes: str | bool | int | None) -> Markup:
    """``<tag attributes>children</tag>``; `children` that are no `Markup` and all attributes are escaped.

    An attribute that is None or False is left out, one that is True stands without value; a trailing underscore in a
    name is dropped and others become hyphens (``class_``, ``aria_label``).
    """
    named = "".join(_attribute(name, value) for name, value in attributes.items())
    if tag in _VOID:
        return Markup(f"<{tag}{named}>")
    return Markup(f"<{tag}{named}>{join(*children)}</{tag}>")


def join(*parts: str | int) -> Markup:
    """`parts` one after the other, those that are no `Markup` escaped."""
    return Markup("".join(part if isinstance(part, Markup) else escape(str(part)) for part in parts))


def table(header: tuple[str, ...], rows: list[tuple[str | int, ...]], class_: str = "") -> Markup:
    """A table; every cell is escaped unless it is `Markup`."""
    head = element("thead", element("tr", *(element("th", name, scope="col") for name in header)))
    body = element("tbody", *(element("tr", *(element("td", cell) for cell in row)) for row in rows))
    return element("div", element("table", head, body, class_=class_ or None), class_="scroll")


def _attribute(name: str, value: str | bool | int | None) -> str:
    if value is None or value is False:
        return ""
    plain = name.rstrip("_").replace("_", "-")
    return f" {plain}" if value is True else f' {plain}="{escape(str(value))}"'
