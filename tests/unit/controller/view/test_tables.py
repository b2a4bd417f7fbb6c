"""Listings for eyes and for pipes."""

from __future__ import annotations

import io

from rich.console import Console
from rich.text import Text

from plctl.controller.view.screen import PLAIN_WIDTH
from plctl.controller.view.tables import print_table

ROWS = [("a", Text("ok", style="green")), ("b" * 300, "")]


def printed(*, terminal: bool) -> str:
    """The table of `ROWS` under a header of two lines."""
    console = Console(file=io.StringIO(), width=40 if terminal else PLAIN_WIDTH, force_terminal=terminal)
    print_table(console, ("name", "what\nit is"), ROWS)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_a_pipe_gets_one_line_a_row() -> None:
    """Never wrapped, no colours, no blanks at the end; also the header is one line."""
    lines = printed(terminal=False).splitlines()
    assert [["name", "what", "it", "is"], ["a", "ok"], ["b" * 300]] == [line.split() for line in lines]
    assert all(line == line.rstrip() and "\x1b" not in line for line in lines)


def test_a_terminal_gets_a_table_that_fits() -> None:
    """What is too long is folded, and nothing of it is cut off."""
    text = printed(terminal=True)
    assert 300 == text.count("b")
    assert "\x1b[32mok" in text
