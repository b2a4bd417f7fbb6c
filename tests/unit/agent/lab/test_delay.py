"""The delays of a laboratory as they are written and as they are emulated."""

from __future__ import annotations

import pytest

from plctl.agent.lab.accesses import resolve_accesses
from plctl.agent.lab.delay import ROWS, STEP_NS, Delay, parse_delay
from plctl.agent.lab.design import AccessLink
from plctl.common.base.errors import UserError
from plctl.common.base.units import NS_PER_MS, RATE_UNLIMITED

MS = NS_PER_MS


@pytest.mark.parametrize(
    ("expected", "text"),
    [
        (Delay(5 * MS), "5ms"),
        (Delay(0), "0ms"),
        (Delay(5 * MS, 2 * MS), "5ms±2ms"),
        (Delay(5 * MS, 2 * MS), "5 ms +- 2 ms"),
        (Delay(1500_000, 20_000), "1.5ms+/-20us"),
    ],
)
def test_a_delay_is_a_time_and_perhaps_a_spread(expected: Delay, text: str) -> None:
    """Every spelling that the help names is read exactly."""
    assert expected == parse_delay(text)


@pytest.mark.parametrize("text", ["", "5", "5ms±", "±2ms", "-5ms", "5ms±6ms", "5ms±2ms±1ms"])
def test_what_is_no_delay_is_refused(text: str) -> None:
    """Also a spread that would send packets before they came."""
    with pytest.raises(UserError):
        parse_delay(text)


def test_a_constant_delay_is_one_row_that_serves_in_no_time() -> None:
    """Nothing but the delay is emulated."""
    (row,) = Delay(5 * MS).schedule("any").rows
    assert (5 * MS, RATE_UNLIMITED) == (row.delay_ns, row.rate_bps)


def test_a_varying_delay_fills_its_range_repeats_and_depends_on_the_seed_alone() -> None:
    """Draws stay within the range, come near both ends, and are the same for the same seed."""
    schedule = Delay(5 * MS, 2 * MS).schedule("seed")
    delays = [row.delay_ns for row in schedule.rows]
    assert ROWS * STEP_NS == schedule.period_ns
    assert 3 * MS <= min(delays) < 3.1 * MS
    assert 6.9 * MS < max(delays) <= 7 * MS
    assert schedule == Delay(5 * MS, 2 * MS).schedule("seed")
    assert schedule != Delay(5 * MS, 2 * MS).schedule("another")


def test_one_host_and_one_direction_count_more_than_all_and_both() -> None:
    """In whatever order they were written; the controller has a delay only if it is named."""
    accesses = resolve_accesses(2, both=["h2=9ms", "5ms", "controller=1ms"], up=["6ms"], down=["h2=2ms"])
    assert {
        "h1": AccessLink(Delay(6 * MS), Delay(5 * MS)),
        "h2": AccessLink(Delay(9 * MS), Delay(2 * MS)),
        "controller": AccessLink(Delay(1 * MS), Delay(1 * MS)),
    } == accesses


def test_a_host_without_a_delay_has_no_access() -> None:
    """Nothing is emulated where nothing is asked for."""
    assert ["h2"] == list(resolve_accesses(2, both=["5ms", "h1=0ms"]))


def test_a_delay_for_a_host_that_is_not_there_names_those_that_are() -> None:
    """A typing mistake must not silently leave a host without its delay."""
    with pytest.raises(UserError, match="no host h3; hosts are h1, h2, controller, workstation"):
        resolve_accesses(2, both=["h3=5ms"])
