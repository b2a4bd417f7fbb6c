"""The consoles that show tables and live pictures: what they print is escaped as `plctl.common.base.printable` says."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from typing import IO, cast

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.text import Text

from plctl.common.base.printable import printable
from plctl.common.cli.streams import Background
from plctl.common.cli.terminal import echo

#: Where no terminal sets a limit, nothing wraps.
PLAIN_WIDTH = 10_000


class Screen(Console):
    """A console on which no word that is printed moves the cursor; only what rich itself sends does."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """What is to be printed, control characters within its words written out."""
        for segment in super().render(renderable, options):
            text, style, control = segment
            clean = text if control else printable(text, keep="\n")
            yield segment if clean is text else Segment(clean, style)

    def drain(self) -> None:
        """Wait until all that was printed is written, where another thread does that."""
        if isinstance(self.file, Background):
            self.file.drain()


def say(console: Console, sentence: str) -> None:
    """Print one line as it is, whatever is in it."""
    console.print(Text(printable(sentence)), soft_wrap=True)


def tell_where(console: Console, sentence: str) -> None:
    """As `say`; where the page is must be told also where nothing else is shown."""
    if console.quiet:
        echo(sentence, err=True)
    else:
        say(console, sentence)


def stdout_screen() -> Screen:
    """The console of what a command was asked for."""
    screen = Screen(highlight=False)
    if not screen.is_terminal:
        screen.width = PLAIN_WIDTH
    return screen


@contextmanager
def live_screen(*, quiet: bool = False) -> Iterator[Screen]:
    """The console of a run that goes on: a terminal that takes nothing, as after Ctrl-S, holds up nobody."""
    with closing(Background(sys.stderr)) as background:
        yield Screen(file=cast(IO[str], background), quiet=quiet)


def stderr_screen(*, quiet: bool = False) -> Screen:
    """The console of what happens meanwhile."""
    return Screen(stderr=True, quiet=quiet)
