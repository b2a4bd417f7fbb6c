"""Problems are all kept up to a limit, counted beyond it, and suggest what would be legal."""

import pytest

from plctl.common.base.errors import InputError, Problem
from plctl.common.base.problems import SHOWN, Problems, combine, quote, suggest


def test_nothing_wrong_raises_nothing() -> None:
    """An empty collection passes the check."""
    Problems("a").check()


def test_keeps_the_first_and_counts_the_rest() -> None:
    """A file full of mistakes yields a bounded message that says how many more there are."""
    problems = Problems("a.csv")
    for line in range(1, SHOWN + 8):
        problems.add(line, 1, "bad")
    with pytest.raises(InputError) as caught:
        problems.check()
    lines = str(caught.value).splitlines()
    assert ["a.csv:1:1: bad", f"a.csv:{SHOWN}:1: bad", "… and 7 more"] == [lines[0], *lines[-2:]]


def test_takes_over_another_readers_problems_within_the_limit() -> None:
    """What another reader found keeps its places; nothing is lost from the count."""
    problems = Problems("spec.yaml")
    problems.add(1, 1, "own")
    problems.take(InputError([Problem("a.csv", line, 1, "bad") for line in range(SHOWN)], more=3))
    assert (SHOWN, 4) == (len(problems.found), problems.more)


def test_combines_errors_of_several_files() -> None:
    """One error carries the problems of all files."""
    error = combine([InputError([Problem("b", 1, 1, "x")], 2), InputError([Problem("a", 0, 0, "y")], 1)])
    assert "a: y\nb:1:1: x\n… and 3 more" == str(error)


def test_quotes_briefly() -> None:
    """A quoted piece of a file is escaped and never longer than a sentence bears."""
    assert r"'a\x1b'" == quote("a\x1b")
    assert len(quote("x" * 1000)) == 42


@pytest.mark.parametrize(
    ("word", "sentence"),
    [("dely", "did you mean delay?"), ("MTU", "did you mean mtu?"), ("zzz", "legal are delay, mtu")],
)
def test_suggests_the_nearest_legal_word(word: str, sentence: str) -> None:
    """A misspelt word is answered by the nearest legal one, a strange one by all."""
    assert sentence == suggest(word, ["delay", "mtu"])
