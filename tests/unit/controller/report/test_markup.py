"""Nothing that a user names may become markup of a page that others open."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from support.html_reader import read

from plctl.controller.report.markup import Markup, element, join, table


@given(st.text(st.characters(exclude_characters="\r\0", exclude_categories=["Cs"])))
def test_any_text_stays_text(text: str) -> None:
    """As a child, as an attribute and in a table's cell, text is read back as it was and opens no tag."""
    reader = read(element("p", text, title=text))
    assert reader.tags == [("p", {"title": text})]
    assert reader.text == text
    assert read(table(("column",), [(text,)])).text == "column" + text


def test_markup_is_kept_and_attributes_can_be_left_out() -> None:
    """Built parts nest; None and False leave an attribute out, True gives it no value, a trailing underscore goes."""
    inner = element("b", 1)
    assert (
        element("p", inner, "<", class_="x", open=True, title=None, hidden=False)
        == '<p class="x" open><b>1</b>&lt;</p>'
    )
    assert join("a&", Markup("<br>")) == "a&amp;<br>"
    assert element("meta", charset="utf-8") == '<meta charset="utf-8">'
