"""A probe's report is recognised and summed up; whatever else a workload prints must do no harm."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from support.probe_report import TOTAL, client

from plctl.controller.metrics.probe_summary import ProbeSummary, find_summaries

UP = ProbeSummary("up", 100, 98, 2, 1, 3, 2_000_000, (41_000_000, 41_100_000, 42_000_000, 43_000_000))


def test_a_clients_report_is_its_last_line() -> None:
    """Lines of intervals may come before it."""
    assert find_summaries('{"interval": 0}\n' + client() + "\n") == [UP]


def test_a_servers_report_has_a_summary_for_every_session() -> None:
    """Each session and direction is a line of its own."""
    sessions = [{"up": {"total": TOTAL}, "down": None}] * 2
    assert find_summaries(json.dumps({"role": "server", "format": 1, "sessions": sessions})) == [UP, UP]


def test_what_the_probe_did_not_know_stays_unknown() -> None:
    """No delays without a shared clock, no losses without the sender's record."""
    total = {**TOTAL, "sent": None, "lost": None, "delay_ns": None}
    (summary,) = find_summaries(client(up={"total": total}))
    assert (None, None, None) == (summary.sent, summary.lost, summary.delay_ns)


def test_a_report_of_another_format_is_not_guessed_at() -> None:
    """A newer document is left alone."""
    assert find_summaries(client(format=2)) == []


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["up", "down", "total", "sessions", "x"]), inner),
    max_leaves=8,
)


@given(json_values | st.dictionaries(st.sampled_from(["up", "down", "sessions"]), json_values))
def test_other_output_is_no_report(value: Any) -> None:
    """Any JSON at all, also in the shape of a report, yields nothing and no error."""
    for role in ("client", "server"):
        document = {**value, "role": role, "format": 1} if isinstance(value, dict) else value
        assert all(isinstance(each, ProbeSummary) for each in find_summaries(json.dumps(document)))
    assert find_summaries(str(value)) == []
