"""The consoles that show tables and live pictures: what they print is escaped as `plctl.common.base.printable` says."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment

from plctl.common.base.printable import printable

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


def stdout_screen() -> Screen:
    """The console of what a command was asked for."""
    screen = Screen(highlight=False)
    if not screen.is_terminal:
        screen.width = PLAIN_WIDTH
    return screen


def stderr_screen(*, quiet: bool = False) -> Screen:
    """The console of what happens meanwhile."""
    return Screen(stderr=True, quiet=quiet)
