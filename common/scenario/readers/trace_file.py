"""One file that a scenario is read from: the lines that it is recognised by, and its text or pieces of it."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from itertools import islice
from pathlib import Path

from plctl.common.base.errors import InputError, Problem
from plctl.common.base.text_file import SIZE_LIMIT, read_pieces, read_text
from plctl.common.scenario.readers.text_lines import Cell, LongLineError, lines_of

#: The longest file that is read in pieces, in bytes: ten hours at an opportunity every millisecond take a third of it.
PIECES_LIMIT = 2**30
_SAMPLE_LINES = 100
_SAMPLE_BYTES = 65536
_SAMPLE_CHARACTERS = 2**20


class TraceFile:
    """A file at a path, or a text that came from one."""

    def __init__(
        self, name: str, text: str | None = None, *, path: Path | None = None, what: str = "a scenario"
    ) -> None:
        """`name` is for messages; without a `text` the file at `path` is read when it is asked for.

        `what` says what the file ought to be, for messages.
        """
        self.name = name
        self._what = what
        self._text = text
        self._path = path or Path(name)

    @classmethod
    def at(cls, path: Path, what: str = "a scenario") -> TraceFile:
        """The file at `path`, which ought to be `what`."""
        return cls(str(path), path=path, what=what)

    @cached_property
    def text(self) -> str:
        """All of it, if it is not longer than `SIZE_LIMIT`.

        :raises InputError: it cannot be read, see `read_text`.
        """
        return self._text if self._text is not None else read_text(self._path, self._what)

    @cached_property
    def sample(self) -> tuple[str, ...]:
        """Its first lines, without blanks at their ends, blank ones and comments.

        :raises InputError: it cannot be read.
        """
        lines = lines_of(self._beginning, longest=_SAMPLE_CHARACTERS)
        return tuple(islice((str(line) for _, line in lines if not line.startswith("#")), _SAMPLE_LINES))

    @cached_property
    def _beginning(self) -> str:
        """The text, or as much of it as whole lines fit into a sample."""
        if not self.is_long:
            if len(self.text) <= _SAMPLE_CHARACTERS:
                return self.text
            beginning = self.text[:_SAMPLE_CHARACTERS]
            return beginning.rpartition("\n")[0] or beginning
        return next(self.pieces(), b"")[:_SAMPLE_BYTES].rpartition(b"\n")[0].decode(errors="replace")

    @cached_property
    def is_long(self) -> bool:
        """Whether only pieces of it can be read."""
        try:
            return self._text is None and self._path.stat().st_size > SIZE_LIMIT
        except (OSError, ValueError):
            return False  # reading it says why

    def lines(self) -> Iterator[tuple[int, Cell]]:
        """Its lines that say something, without blanks at their ends, and their numbers from 1.

        :raises InputError: it cannot be read; a line is too long, or they are too many.
        """
        try:
            yield from lines_of(self.text)
        except LongLineError as error:
            raise self.refusal(str(error), error.line) from None

    def pieces(self) -> Iterator[bytes]:
        """Its bytes, a piece at a time.

        :raises InputError: it cannot be read, or is longer than `PIECES_LIMIT`.
        """
        if self._text is not None:
            yield self._text.encode(errors="replace")
        else:
            yield from read_pieces(self._path, self._what, limit=PIECES_LIMIT)

    def refusal(self, text: str, line: int = 0, column: int = 0) -> InputError:
        """What is wrong with it, as an error to raise; places as in `Problem`."""
        return InputError([Problem(self.name, line, column, text)])
