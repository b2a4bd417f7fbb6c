"""A schedule answers which row is in force, repeated or not."""

import pytest

from plctl.common.scenario.schedule import NEVER_NS, Row, Schedule

ROWS = (Row(0, 0, 1, 1), Row(10, 0, 2, 2), Row(25, 1, 3, 3))


def test_the_last_row_holds_for_ever() -> None:
    """Without repetition the ends hold: the first row before 0, the last one after its time."""
    schedule = Schedule(ROWS)
    assert [1, 1, 1, 2, 3, 3] == [schedule.row_at(t).delay_ns for t in (-5, 0, 9, 10, 25, 10**12)]


def test_repeats_with_the_default_period() -> None:
    """The last row lasts as long as the one before it, then the first one holds again."""
    schedule = Schedule(ROWS).repeated()
    assert 40 == schedule.period_ns
    assert [3, 1, 2] == [schedule.row_at(t).delay_ns for t in (39, 40, 50)]


def test_repeats_with_a_given_period() -> None:
    """A period of the user's choice is kept."""
    assert 26 == Schedule(ROWS).repeated(26).period_ns


def test_refuses_a_period_within_the_table() -> None:
    """A period that would cut rows off is a mistake."""
    with pytest.raises(ValueError, match="25 ns does not exceed the last row's time, 25 ns"):
        Schedule(ROWS).repeated(25)


def test_a_single_row_does_not_repeat() -> None:
    """One row holds for ever; a period changes nothing."""
    assert Schedule(ROWS[:1]) == Schedule(ROWS[:1]).repeated(5)


def test_the_next_change_is_the_next_rows_time_or_the_next_period() -> None:
    """It is a row's time that is still to come, or the period's end; at the last row of all there is none."""
    once = Schedule((Row(0, 0, 0, 1), Row(10, 0, 0, 2)))
    assert [10, 10, NEVER_NS] == [once.next_change_ns(t_ns) for t_ns in (0, 9, 10)]
    again = once.repeated(15)
    assert [10, 15, 15, 25, 30] == [again.next_change_ns(t_ns) for t_ns in (0, 10, 14, 15, 25)]
