"""Who guesses tokens waits longer each time, and nobody else does."""

from __future__ import annotations

from contextlib import suppress

import pytest

from plctl.controller.web.access.failures import (
    FREE_FAILURES,
    GREATEST_WAIT_S,
    MOST_ADDRESSES,
    Failures,
    TooManyFailuresError,
)


class Time:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def test_guessing_gets_slow() -> None:
    """In a day not a thousand tokens can be tried."""
    time = Time()
    failures, tried = Failures(time), 0
    while time.now_s < 86400:
        try:
            failures.check("192.0.2.1")
        except TooManyFailuresError as error:
            time.now_s += error.wait_s
        else:
            failures.note("192.0.2.1")
            tried += 1
    assert FREE_FAILURES < tried < 86400 / GREATEST_WAIT_S + 20


def test_others_and_who_shows_a_good_one_are_let_in() -> None:
    """An address is a whole /64 of IPv6."""
    failures = Failures(Time())
    for _ in range(FREE_FAILURES):
        failures.check("2001:db8::1")
        failures.note("2001:db8::1")
    with pytest.raises(TooManyFailuresError, match="try again in 2 s"):
        failures.check("2001:db8::2")
    failures.check("2001:db8:0:1::1")
    failures.forgive("2001:db8::3")
    failures.check("2001:db8::1")


def test_addresses_are_forgotten_once_they_are_many() -> None:
    """However many come, memory does not grow; the last are remembered."""
    failures = Failures(Time())
    for number in range(MOST_ADDRESSES + 100):
        for _ in range(FREE_FAILURES):
            failures.note(f"h{number}")
    kept = 0
    for number in range(MOST_ADDRESSES + 100):
        kept += 1
        with suppress(TooManyFailuresError):
            failures.check(f"h{number}")
            kept -= 1
    assert MOST_ADDRESSES == kept
