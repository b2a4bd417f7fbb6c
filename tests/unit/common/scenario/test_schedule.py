"""A schedule answers which row is in force, repeated or not."""

from __future__ import annotations

import re
from array import array
from pathlib import Path

import pytest

from plctl.common.base.units import RATE_UNLIMITED
from plctl.common.scenario.readers.columns import ROW_COLUMNS
from plctl.common.scenario.schedule import NEVER_NS, ROW_FIELDS, Row, Schedule

ROOT = Path(__file__).parents[4]
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


def test_rows_are_declared_once() -> None:
    """The table of a row's fields, the C core and the columns of a file have the same, in the same order."""
    header = (ROOT / "agent/native/model/schedule.h").read_text()
    names = re.findall(r"^\tFIELD\((\w+)\)", header, re.MULTILINE)
    assert ["time_ns", "route", "delay_ns", "rate_bps", "queue_bytes"] == names[:5]
    assert names == [each.name for each in ROW_FIELDS]
    assert [each.file.name for each in ROW_FIELDS] == [column.name for column in ROW_COLUMNS]


def test_a_field_that_says_nothing_takes_no_room() -> None:
    """A column of defaults is not kept, and a schedule is equal to one that never had it."""
    with_default = Schedule.of_columns({**Schedule(ROWS).columns, "queue_bytes": array("q", [-1, -1, -1])})
    assert "queue_bytes" not in with_default.columns
    assert [-1, -1, -1] == list(with_default.column("queue_bytes"))
    assert (Schedule(ROWS), hash(Schedule(ROWS))) == (with_default, hash(with_default))


def test_what_differs_has_another_digest() -> None:
    """Every field, the order of rows and the period count."""
    others = [
        Schedule(ROWS[:2]), Schedule(ROWS, 30), Schedule((*ROWS[:2], Row(25, 1, 3, 3, 0))),
        Schedule((ROWS[0], ROWS[1], Row(25, 3, 1, 3))),
    ]  # fmt: skip
    assert 5 == len({Schedule(ROWS).digest, *(other.digest for other in others)})


@pytest.mark.parametrize(
    ("schedule", "words"),
    [
        (Schedule(()), "it has 0 rows"),
        (Schedule((Row(1, 0, 0, 0),)), "do not begin at 0"),
        (Schedule((Row(0, 0, 0, 0), Row(0, 0, 0, 0))), "do not begin at 0 and rise"),
        (Schedule(ROWS, 25), "repeat before they end"),
        (Schedule((Row(0, 0, -1, 0),)), "a row has delay_ns -1; the least is 0"),
        (Schedule((Row(0, 0, 0, 0, -2),)), "a row has queue_bytes -2; the least is -1"),
    ],
)
def test_the_rules_of_a_schedule(schedule: Schedule, words: str) -> None:
    """Whoever takes one from somebody else learns which rule it breaks."""
    with pytest.raises(ValueError, match=words):
        schedule.check()


def test_an_unlimited_rate_has_a_bdp_where_something_must_be_sized() -> None:
    """That of 1 Gbit/s: 20 ms each way are 5 MB. A greater one of a limited rate counts all the same."""
    unlimited, slow, fast = Row(0, 0, 20_000_000, RATE_UNLIMITED), Row(1, 0, 10**9, 8000), Row(1, 0, 10**9, 10**9)

    assert (0, 5_000_000) == (Schedule((unlimited,)).bdp_bytes, Schedule((unlimited,)).assumed_bdp_bytes)
    assert Schedule((unlimited, slow)).assumed_bdp_bytes == 5_000_000
    assert Schedule((unlimited, fast)).assumed_bdp_bytes == 250_000_000
