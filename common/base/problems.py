"""Collects what is wrong with a user's file, so that one attempt shows every mistake and a huge file cannot flood."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from difflib import get_close_matches

from plctl.common.base.errors import InputError, Problem

#: How many problems are kept and shown; further ones are only counted.
SHOWN = 50
#: How many problems are counted. To look for more would only cost time.
COUNTED = 100_000
_NAMED = 40  # legal words in a sentence
_COMPARED = 1000  # legal words that a wrong one may be meant for
_CLIP = 40


class Problems:
    """The problems of one file, in the order of finding."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.found: list[Problem] = []
        self.more = 0

    def add(self, line: int, column: int, text: str) -> None:
        """Keep a problem, or only count it once enough are kept. Lines and columns as in `Problem`.

        :raises InputError: there are more than `COUNTED`.
        """
        if len(self.found) < SHOWN:
            self.found.append(Problem(self.file, line, column, text))
        else:
            self.more += 1
        if self.more >= COUNTED:
            self.check()

    def take(self, error: InputError) -> None:
        """Take over what another reader found, its places included."""
        kept = error.problems[: SHOWN - len(self.found)]
        self.found += kept
        self.more += len(error.problems) - len(kept) + error.more

    def check(self) -> None:
        """Raise what was found.

        :raises InputError: there is at least one problem.
        """
        if self.found:
            raise InputError(self.found, self.more)


def combine(errors: Iterable[InputError]) -> InputError:
    """One error that says what each of `errors` says."""
    errors = tuple(errors)
    return InputError((p for error in errors for p in error.problems), sum(error.more for error in errors))


def quote(text: str) -> str:
    """`text` in quotes, escaped and cut to a length that fits a sentence."""
    return repr(text if len(text) <= _CLIP else text[: _CLIP - 1] + "…")


def nearest(word: str, legal: Sequence[str]) -> str:
    """The one of `legal` that is nearest to `word`; empty if none is near."""
    some = [name for name in legal[:_COMPARED] if len(name) <= _CLIP]
    near = get_close_matches(word[:_CLIP].casefold(), [name.casefold() for name in some], n=1)
    return next(name for name in some if name.casefold() == near[0]) if near else ""


def suggest(word: str, legal: Sequence[str]) -> str:
    """The end of a sentence about an unknown `word`: the nearest legal one, or all of them."""
    near = nearest(word, legal)
    if near:
        return f"did you mean {near}?"
    more = f" and {len(legal) - _NAMED} more" if len(legal) > _NAMED else ""
    return "legal are " + ", ".join(name if len(name) <= _CLIP else quote(name) for name in legal[:_NAMED]) + more
