"""On a terminal a controller's log is words: who comes and goes, what becomes of runs, who was refused and why."""

from __future__ import annotations

import io

import pytest

from plctl.common.base.clock import FakeClock
from plctl.common.base.log import Event, make_log
from plctl.controller.view.log_words import LogInWords, sentence


def event(name: str, **facts: object) -> Event:
    """As a controller's log makes it."""
    written: list[Event] = []
    make_log(written.append, FakeClock(), host="controller").emit(name, **facts)
    return written[0]


@pytest.mark.parametrize(
    ("name", "facts", "words"),
    [
        ("agent.connected", {"agent": "e1", "address": "1.2.3.4"}, "agent e1 is here, from 1.2.3.4"),
        ("agent.gone", {"agent": "e1", "cause": "e1 left"}, "agent e1 is gone: e1 left"),
        ("run.submitted", {"run": "r", "client": "ada", "links": 4, "hosts": 2}, "run r of ada: 4 links, 2 hosts"),
        ("run.judged", {"run": "r", "verdict": "ok"}, "run r: ok"),
        ("run.judged", {"run": "r", "verdict": "late", "cause": "x"}, "run r: late, x"),
        ("clock.stepped", {"step_ns": 1_000_000}, "clock.stepped  step 1 ms"),
        (
            "peer.refused",
            {"peer": "", "address": "1.2.3.4", "cause": "another key", "also_refused": 7},
            "refused somebody from 1.2.3.4: another key (7 times more since)",
        ),
    ],
)
def test_what_happened_in_words(name: str, facts: dict[str, object], words: str) -> None:
    """What has no sentence of its own is told by its name and facts."""
    assert words == sentence(event(name, **facts))


def test_a_line_for_each_whatever_is_in_it() -> None:
    """With the time of this place; control characters are written out."""
    stream = io.StringIO()
    LogInWords(stream)(event("agent.gone", agent="e1", cause="a\x1b[31m\nb"))
    (line,) = stream.getvalue().splitlines()
    assert line[2] == line[5] == ":"
    assert line.endswith("agent e1 is gone: a\\x1b[31m\\nb")
