"""The way of words to people: whatever a program or another host put into them, no control character gets through.

A program's output, a file's name or another host's cause may hold what moves a terminal's cursor, changes its title or
hides text. Every command prints by `echo`, and tables by the console of `plctl.controller.view.screen`.
"""

from __future__ import annotations

import click

from plctl.common.base.printable import printable

_KEPT = "\n\t"


def echo(text: object = "", *, err: bool = False, nl: bool = True) -> None:
    """Print `text`, lines and tabs as they are, to standard output or error."""
    click.echo(printable(str(text), keep=_KEPT), err=err, nl=nl)


def echo_marked(mark: str, colour: str, text: str, *, err: bool = False) -> None:
    """Print `text` behind the word `mark`, which is coloured on a terminal."""
    blank = "" if text.startswith("\n") else " "
    click.echo(f"{click.style(mark, fg=colour)}{blank}{printable(text, keep=_KEPT)}", err=err)


def echo_drawn(text: str, *, nl: bool = True) -> None:
    """Print what plctl drew itself, colours and cursor movements included; no word of anybody else may be in it."""
    click.echo(text, nl=nl)


def warn(text: object) -> None:
    """Print a warning to standard error."""
    echo_marked("warning:", "yellow", str(text), err=True)
