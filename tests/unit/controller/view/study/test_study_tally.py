"""Progress that is kept line by line is the same as progress that is made of the whole journal."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from plctl.controller.study.course import StudyCourse
from plctl.controller.study_folder.attempts import by_digest
from plctl.controller.study_folder.journal import StudyEntry
from plctl.controller.study_folder.study_record import CellRecord, RepetitionRecord, StudyRecord
from plctl.controller.view.study.study_now import study_now

T = "2026-11-28T05:00:00.000000Z"


def record(durations: list[int]) -> StudyRecord:
    """A study with a cell for each of `durations`, in seconds, with two repetitions."""
    cells = tuple(
        CellRecord(f"c{n}", {"n": str(n)}, tuple(RepetitionRecord(r, 0, f"{n}-{r}") for r in (1, 2)), s * 10**9)
        for n, s in enumerate(durations)
    )
    return StudyRecord("s", 1, {"n": tuple(str(n) for n in range(len(durations)))}, 2, cells, retry={"late": 1})


@given(
    st.lists(st.integers(0, 3), min_size=1, max_size=5),
    st.lists(st.tuples(st.sampled_from(["ok", "late", "failed"]), st.integers(1, 5)), max_size=14),
    st.booleans(),
)
def test_line_by_line_is_as_all_at_once(durations: list[int], ends: list[tuple[str, int]], one_goes_on: bool) -> None:
    """Counts and time left, whatever runs end with, and however long they take."""
    asked = record(durations)
    tally, entries, course = study_now(asked, [], goes_on=True).tally, list[StudyEntry](), StudyCourse(asked)
    for number, (verdict, seconds) in enumerate(ends):
        if (digest := course.next()) is None:
            break
        course.begin(digest)
        begun = StudyEntry(T, "begun", f"run-{number}", digest, f"c{digest[0]}", int(digest[-1]))
        ended = StudyEntry(
            T, "ended", begun.run, digest, begun.cell, begun.repetition, verdict, wall_ns=seconds * 10**9
        )
        for entry in [begun] if one_goes_on and number == len(ends) - 1 else [begun, ended]:
            entries.append(entry)
            tally.note(entry, course.end(digest, verdict) if entry is ended else None)
    whole = study_now(asked, entries, goes_on=True).tally
    assert +whole.counts == +tally.counts
    assert (whole.total, whole.done, whole.left_ns()) == (tally.total, tally.done, tally.left_ns())
    if not one_goes_on:
        assert +whole.counts == +study_now(asked, entries, goes_on=False).tally.counts
        assert by_digest(entries).keys() <= asked.by_digest().keys()
