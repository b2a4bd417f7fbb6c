"""A certificate reads from the worst down, with the time that each witness watched, in seconds after T0."""

from __future__ import annotations

import pytest

from plctl.common.base.units import NS_PER_MS, NS_PER_S
from plctl.controller.verdict.certificate_text import in_short, mark, ordered, span, table
from plctl.controller.verdict.verdict import Statement, Verdict

T0_NS = 5 * NS_PER_S
BEGIN_NS, END_NS = T0_NS - 90 * NS_PER_MS, T0_NS + 3 * NS_PER_S
AGENT = Statement("agent", True, BEGIN_NS, END_NS, "carried")
LOSSES = Statement("losses", True, BEGIN_NS, END_NS, "lost 3", Verdict.OVERLOADED)
LATENESS = Statement("lateness", True, BEGIN_NS, END_NS, "late", Verdict.LATE)
WORKER = Statement("worker", False, None, None, "nobody watched", Verdict.UNPROVEN)
TRAFFIC = Statement("traffic", True, BEGIN_NS, END_NS, "nothing", remark=True)


def test_the_worst_comes_first_then_remarks_then_the_others() -> None:
    """The order of the verdicts' harm, whatever that of the witnesses."""
    assert [LOSSES, LATENESS, WORKER, TRAFFIC, AGENT] == ordered((AGENT, TRAFFIC, WORKER, LATENESS, LOSSES))


def test_each_statement_is_marked_by_what_it_comes_to() -> None:
    """A witness that was not heard is told from one that objects."""
    marks = ["no objection", "overloaded", "not heard", "no objection"]
    assert marks == [mark(each) for each in (AGENT, LOSSES, WORKER, TRAFFIC)]


@pytest.mark.parametrize(
    ("from_ns", "until_ns", "t0_ns", "expected"),
    [
        (BEGIN_NS, END_NS, T0_NS, "−0.09 … 3 s"),
        (T0_NS + 18_000, T0_NS + 18_000, T0_NS, "0 s"),
        (T0_NS - 18_000, END_NS, T0_NS, "0 … 3 s"),
        (None, None, T0_NS, "–"),
        (BEGIN_NS, END_NS, None, "–"),
    ],
)
def test_times_are_seconds_after_t0(
    from_ns: int | None, until_ns: int | None, t0_ns: int | None, expected: str
) -> None:
    """To the millisecond; unknown ones are a dash."""
    assert expected == span(Statement("w", True, from_ns, until_ns, ""), t0_ns)


def test_lines_stand_in_columns() -> None:
    """They are read from above to below."""
    assert [
        "overloaded    losses  −0.09 … 3 s  lost 3",
        "not heard     worker  –            nobody watched",
        "no objection  agent   −0.09 … 3 s  carried",
    ] == list(table((AGENT, LOSSES, WORKER), T0_NS))


@pytest.mark.parametrize(
    ("certificates", "expected"),
    [
        ([(AGENT, TRAFFIC)], "2 witnesses; all heard; none objects"),
        ([(AGENT, LATENESS), (AGENT, LOSSES)], "3 witnesses; all heard; objecting: lateness, losses"),
        ([(AGENT, WORKER)], "2 witnesses; not heard: worker"),
        ([()], ""),
    ],
)
def test_a_run_has_its_certificates_in_one_line(certificates: list[tuple[Statement, ...]], expected: str) -> None:
    """Over all links; nothing for a run of an earlier version."""
    assert expected == in_short(certificates)
