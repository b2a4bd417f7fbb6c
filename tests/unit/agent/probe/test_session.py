"""A session's report says in sentences what makes its figures less than they should be."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from socket import AF_INET, SOCK_DGRAM, socket

import pytest

from plctl.agent.probe.flow import ProbeFlow
from plctl.agent.probe.pattern import Pattern
from plctl.agent.probe.report import DirectionReport, SentRecord, Tally
from plctl.agent.probe.session import SessionReport
from plctl.agent.probe.socket import ProbeSocket
from plctl.common.base.errors import ProtocolError
from plctl.common.base.units import NS_PER_MS, NS_PER_S

PATTERN = Pattern(packets=1, period_ns=NS_PER_MS, count=10, size=100)
ALL_LOST = Tally(PATTERN, 28).report(SentRecord(0, NS_PER_S, [10]))


@pytest.fixture
def flow() -> Iterator[ProbeFlow]:
    """A session that sends up and shares its clock."""
    with ProbeSocket(socket(AF_INET, SOCK_DGRAM)) as sock:
        yield ProbeFlow(sock, ("127.0.0.1", 8622), 7, PATTERN, 0, sends=True, receives=False, shared_clock=True)


def notes(flow: ProbeFlow, up: DirectionReport, steps: tuple[int, ...] = ()) -> tuple[str, ...]:
    """The notes of a report about `up`."""
    return SessionReport.of(flow, up, None, list(steps), []).notes


def test_figures_that_lack_nothing_have_no_notes(flow: ProbeFlow) -> None:
    """Loss is what a path does: no note is due."""
    assert () == notes(flow, ALL_LOST)


def test_what_the_machine_did_is_told_apart_from_what_the_path_did(flow: ProbeFlow) -> None:
    """Packets that never left, were refused or found no room are told of, with their direction."""
    few = Tally(PATTERN, 28).report(SentRecord(0, NS_PER_S, [7], errors=2))
    assert notes(flow, replace(few, overflowed=3)) == (
        "up: 7 of 10 packets were sent before the end",
        "up: the sender's kernel refused 2 packets",
        "up: 3 packets arrived but found no room in the probe's own socket: lost",
    )


def test_a_wall_clock_that_was_set_is_told_of(flow: ProbeFlow) -> None:
    """With every step, and what became of the packets."""
    (note,) = notes(flow, ALL_LOST, steps=(NS_PER_S, -NS_PER_MS))
    assert "the wall clock was set during the run (by 1 s, -1 ms)" in note


def test_missing_figures_make_a_report_incomplete(flow: ProbeFlow) -> None:
    """What this end cannot know is said and marked; what the machine did is not that."""
    assert not SessionReport.of(flow, None, None, [], ["the server fell silent"]).complete
    assert SessionReport.of(flow, ALL_LOST, None, [NS_PER_S], []).complete


def test_a_printed_report_can_be_read_back(flow: ProbeFlow) -> None:
    """And nothing else can."""
    report = SessionReport.of(flow, ALL_LOST, None, [], [])
    assert report == SessionReport.from_dict({"role": "client", "format": 1, **report.as_dict()})
    with pytest.raises(ProtocolError, match="not a probe's report"):
        SessionReport.from_dict({"role": "client"})
