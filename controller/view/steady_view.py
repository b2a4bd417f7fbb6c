"""Shows what goes on, now and then: a picture that stays in place on a terminal, plain lines elsewhere."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from typing import Self

from rich.console import Console, RenderableType
from rich.live import Live

from plctl.controller.view.screen import say


class SteadyView(ABC):
    """The one place where what goes on is written to `console`, for as long as the view is entered."""

    def __init__(
        self, console: Console, clock_ns: Callable[[], int], *, picture_every_ns: int, lines_every_ns: int
    ) -> None:
        """`clock_ns` says how long after a picture, or lines, the next are shown."""
        self._console = console
        self._clock_ns = clock_ns
        self._every_ns = picture_every_ns if console.is_terminal else lines_every_ns
        self._next_ns = 0
        self._live: Live | None = None

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._live = Live(console=self._console, auto_refresh=False, redirect_stdout=False, redirect_stderr=False)
            self._live.start()
        self.tick()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live is not None:
            self._show()
            self._live.stop()

    def tick(self) -> None:
        """Show what is new, if it is time to."""
        if self._clock_ns() >= self._next_ns:
            self._show()

    @abstractmethod
    def _picture(self, now_ns: int) -> RenderableType:
        """What a terminal shows, `now_ns` by the view's clock."""

    @abstractmethod
    def _lines(self, now_ns: int) -> Iterable[str]:
        """The same in words."""

    @property
    def _has_picture(self) -> bool:
        return self._live is not None

    def _show(self) -> None:
        now_ns = self._clock_ns()
        if self._live is not None:
            self._live.update(self._picture(now_ns), refresh=True)
        else:
            for line in self._lines(now_ns):
                say(self._console, line)
        self._rest(now_ns)

    def _rest(self, now_ns: int) -> None:
        """Something was shown: the next picture, or lines, in a while."""
        self._next_ns = now_ns + self._every_ns
