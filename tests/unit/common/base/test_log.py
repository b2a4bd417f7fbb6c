"""The event log: what a line holds, in which order, and where it goes."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from plctl.common.base.clock import FakeClock, format_wall
from plctl.common.base.log import FIELDS, Event, JsonLines, make_log


@pytest.fixture
def events() -> list[Event]:
    """Where the log under test puts its events."""
    return []


def test_an_event_is_stamped_by_the_clock_it_was_given(events: list[Event]) -> None:
    """Wall time for people, monotonic time for arithmetic, both from the injected clock."""
    clock = FakeClock(start_ns=5_000, wall_ns=1_700_000_000_000_006_000)
    log = make_log(events.append, clock, host="edge-1", run="r7")
    clock.advance(1_000)
    log.emit("link.ready", link="leo-0", cause="c1", built_ms=12)
    assert events == [
        {
            "ts": "2023-11-14T22:13:20.000007Z",
            "t_ns": 6_000,
            "host": "edge-1",
            "link": "leo-0",
            "event": "link.ready",
            "run": "r7",
            "cause": "c1",
            "built_ms": 12,
        }
    ]


def test_what_is_noticed_later_is_dated_by_when_it_happened(events: list[Event]) -> None:
    """The order of the log is that of what happened; both clocks are turned back by the same time."""
    clock = FakeClock(start_ns=5_000, wall_ns=1_700_000_000_000_006_000)
    make_log(events.append, clock, host="h").emit("workload.started", t_ns=3_000)
    assert ("2023-11-14T22:13:20.000004Z", 3_000) == (events[0]["ts"], events[0]["t_ns"])


def test_the_seven_words_come_first_in_every_event(events: list[Event]) -> None:
    """A line reads the same way whatever its facts; a word that does not apply is empty."""
    make_log(events.append, FakeClock(), host="h").emit("agent.up", zeal=1, age_ns=2)
    assert (*FIELDS, "zeal", "age_ns") == tuple(events[0])
    assert (events[0]["link"], events[0]["run"], events[0]["cause"]) == ("", "", "")


def test_what_is_bound_is_in_every_later_event_of_that_log_only(events: list[Event]) -> None:
    """A log bound to a link speaks of that link; the log it came from does not."""
    log = make_log(events.append, FakeClock(), host="h")
    bound = log.bind(run="r1", link="leo-1")
    bound.emit("link.armed")
    log.emit("run.armed")
    assert [("r1", "leo-1"), ("", "")] == [(e["run"], e["link"]) for e in events]


@pytest.mark.parametrize("name", ["ready", "Link.Ready", "link ready", "link.", ".ready", "link-x.ready", ""])
def test_an_event_is_named_by_lower_case_dotted_words(events: list[Event], name: str) -> None:
    """A name that cannot be searched for by its first word is refused, and nothing is written."""
    log = make_log(events.append, FakeClock(), host="h")
    with pytest.raises(ValueError, match=r"e\.g\. link\.ready"):
        log.emit(name)
    assert events == []


def test_a_file_holds_one_json_document_a_line_and_is_appended_to(tmp_path: Path) -> None:
    """Two openings make one log; text beyond ASCII stays readable, unknown types become their text."""
    path = tmp_path / "events.jsonl"
    for word in ("µs", tmp_path):
        with JsonLines.open(path) as sink:
            make_log(sink, FakeClock(), host="h").emit("a.b", word=word)
    text = path.read_text(encoding="utf-8")
    assert ["µs", str(tmp_path)] == [json.loads(line)["word"] for line in text.splitlines()]
    assert "µs" in text


def test_each_event_is_flushed() -> None:
    """Whatever happens next, what was logged has left the process."""

    class Stream(io.StringIO):
        flushed = ""

        def flush(self) -> None:
            self.flushed = self.getvalue()

    stream = Stream()
    make_log(JsonLines(stream), FakeClock(), host="h").emit("a.b")
    assert stream.flushed.endswith("\n")


@pytest.mark.parametrize(
    ("wall_ns", "text"),
    [
        (0, "1970-01-01T00:00:00.000000Z"),
        (999, "1970-01-01T00:00:00.000000Z"),
        (1_999_999_999, "1970-01-01T00:00:01.999999Z"),
    ],
)
def test_wall_time_is_cut_to_microseconds_exactly(wall_ns: int, text: str) -> None:
    """No float in between: the last digit is right."""
    assert text == format_wall(wall_ns)
