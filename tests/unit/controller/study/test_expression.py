"""Conditions of a study say what they say in any other language, and nothing else can be said."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plctl.common.base.errors import UserError
from plctl.controller.study.expression import MAX_LENGTH, Expression

LEVELS = {"cc": "bbr", "loss": "2%", "delay": "20ms", "buffer": "0.5bdp", "rate": "80Mbit/s", "ecn": "true", "n": "3"}


def holds(text: str) -> bool:
    """Whether `text` is true of `LEVELS`."""
    return Expression(text, list(LEVELS)).holds(LEVELS)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("cc == 'bbr'", True),
        ("cc != 'bbr'", False),
        ('cc == "cubic"', False),
        ("not (cc == 'bbr' and loss > 1)", False),
        ("not (cc == 'bbr' and loss > 2)", True),
        ("cc == 'cubic' or loss >= 2%", True),
        ("cc in ['cubic', 'bbr']", True),
        ("cc not in ['cubic', 'bbr']", False),
        ("cc in []", False),
        ("buffer == '0.50bdp'", True),
        ("buffer in [0.5bdp, 4bdp]", True),
        ("delay < 0.021s", True),
        ("delay == 20000us", True),
        ("rate > 79_999kbit/s", True),
        ("10ms < delay <= 20ms", True),
        ("delay * 2 == 40ms", True),
        ("delay / 10ms == 2", True),
        ("delay + 5ms - 1ms > 23ms", True),
        ("2 + 3 * 4 == 14", True),
        ("(2 + 3) * 4 == 20", True),
        ("-n < 0 and n - -1 == 4", True),
        ("ecn", True),
        ("not ecn or n == 3", True),
        ("not not ecn", True),
        ("ecn == true and ecn != false", True),
        ("cc == 3", False),
        ("false or true and false", False),
    ],
)
def test_it_says_what_it_says(text: str, expected: bool) -> None:
    """Units are those of a run spec; a bare number goes with what has one unit only."""
    assert expected is holds(text)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "is empty"),
        ("cc ==", "something is missing at its end"),
        ("cc == bbr", "'bbr' is no factor that is known here; legal are cc, .*; a level is written 'bbr'"),
        ("los > 1", "'los' is no factor that is known here; did you mean loss"),
        ("cc = 'bbr'", "\"= 'bbr'\" is not understood"),
        ("(cc == 'bbr'", r"\) was expected at its end"),
        ("cc == 'bbr')", r"'\)' was not expected at character 12"),
        ("cc 'bbr'", "\"'bbr'\" was not expected at character 4"),
        ("cc not 'bbr'", "in was expected behind not at character 8"),
        ("cc == or", "'or' was not expected at character 7"),
        ("loss > 1parsec", "'1parsec' is not a number with a unit"),
        ("delay > 10", "20 ms and 10 cannot be compared"),
        ("delay > 10kB", "20 ms and 10 kB cannot be compared"),
        ("cc > 'a'", "'bbr' and 'a' have no order"),
        ("cc", "'bbr' is neither true nor false"),
        ("cc in 'bbr'", r"must be a list such as \['bbr', 'cubic'\], not 'bbr'"),
        ("n / 0 == 1", "3 / 0 is impossible"),
        ("delay * delay > 1", "one of both must be a bare number"),
        ("cc + 1 == 2", "'bbr' \\+ 1 is impossible"),
        ("n / delay == 1", "divide by a number, or by one of the same kind"),
        ("__import__('os')", "'__import__' is no factor"),
        ("cc.upper() == 'A'", "upper.*is not understood"),
        ("(" * 100 + "true" + ")" * 100, "nested more than 40 deep"),
        ("true or " * MAX_LENGTH + "true", "is longer than 4000 characters"),
    ],
)
def test_what_makes_no_sense_is_refused_with_its_reason(text: str, complaint: str) -> None:
    """Whether it is seen while reading or only with the levels of a cell."""
    with pytest.raises(UserError, match=complaint):
        holds(text)


@given(st.text(alphabet="abcn lossin'ordet<>=!()[],+-*/0123456789%.m_", max_size=60))
def test_nothing_but_a_sentence_comes_of_any_text(text: str) -> None:
    """Never another exception, and only true or false."""
    with suppress(UserError):
        assert holds(text) in (True, False)


@given(st.integers(-50, 50), st.integers(-50, 50), st.integers(-50, 50), st.booleans())
def test_it_agrees_with_python(a: int, b: int, c: int, d: bool) -> None:
    """On precedence and chains, with numbers of either sign."""
    names = {"a": str(a), "b": str(b), "c": str(c), "d": str(d).lower()}
    text = "not a + b * c < c - a and d or a <= b < c or not d and b != c"
    expected = ((not a + b * c < c - a) and d) or a <= b < c or (not d and b != c)
    assert expected is Expression(text, list(names)).holds(names)
