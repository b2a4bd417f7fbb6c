"""Whatever runs end with, and whenever the process is killed: each repetition is run to its end, and none in vain."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plctl.controller.study.course import Standing, StudyCourse, in_order
from plctl.controller.study_folder.attempts import Attempt
from plctl.controller.study_folder.study_record import CellRecord, Order, RepetitionRecord, StudyRecord

VERDICTS = st.sampled_from(["ok", "late", "failed", "overloaded", "cancelled"])


def record(cells: int, repetitions: int, retry: dict[str, int] | None = None, order: Order = "shuffled") -> StudyRecord:
    """A study whose digests are cell-repetition."""
    made = tuple(
        CellRecord(
            str(cell),
            {"n": str(cell)},
            tuple(RepetitionRecord(number, 0, f"{cell}-{number}") for number in range(1, repetitions + 1)),
        )
        for cell in range(cells)
    )
    factors = {"n": tuple(str(cell) for cell in range(cells))}
    return StudyRecord("s", 1, factors, repetitions, made, order=order, retry=retry or {})


def attempt(digest: str, verdict: str, left: bool = False) -> Attempt:
    """A run of a repetition."""
    return Attempt("run", digest, "", 1, "", verdict=verdict, left=left)


@given(
    cells=st.integers(1, 4),
    repetitions=st.integers(1, 3),
    retry=st.fixed_dictionaries({}, optional={"late": st.integers(0, 2), "overloaded": st.integers(0, 2)}),
    parallel=st.integers(1, 3),
    kills=st.sets(st.integers(0, 30)),
    data=st.data(),
)
def test_every_repetition_ends_and_none_is_run_in_vain(
    *, cells: int, repetitions: int, retry: dict[str, int], parallel: int, kills: set[int], data: st.DataObject
) -> None:
    """Over any number of lives of the process: what was running when it was killed is run again, no more."""
    asked = record(cells, repetitions, retry)
    runs: dict[str, list[Attempt]] = {}
    course, running, steps = StudyCourse(asked, runs), list[str](), 0
    while course.next() or running:
        steps += 1
        if steps in kills:
            for digest in running:
                runs.setdefault(digest, []).append(attempt(digest, "", left=True))
            course, running = StudyCourse(asked, runs), []
        while len(running) < parallel and (digest := course.next()):
            assert digest not in running
            assert "ok" not in [each.verdict for each in runs.get(digest, [])]
            course.begin(digest)
            running.append(digest)
        digest = running.pop(data.draw(st.integers(0, len(running) - 1)))
        verdict = data.draw(VERDICTS) if steps < 100 else "failed"
        runs.setdefault(digest, []).append(attempt(digest, verdict))
        course.end(digest, verdict)
    assert {f"{c}-{r}" for c in range(cells) for r in range(1, repetitions + 1)} == set(runs)
    for digest, made in runs.items():
        found = Counter(each.verdict for each in made if each.is_judged)
        assert all(count <= retry.get(verdict, 0) + 1 for verdict, count in found.items() if verdict != "ok")
        expected = Standing.OK if found["ok"] else Standing.NOT_OK
        assert expected is course.standing(digest)
        over = any(count > retry.get(verdict, 0) for verdict, count in found.items() if verdict != "ok")
        assert found["ok"] == 1 or over


def test_a_setback_is_no_verdict_as_often_as_that_is_allowed() -> None:
    """A run that did not start or lost an agent is made again, also in another process; after that it counts."""
    asked = replace(record(1, 1), retries=2)
    runs: list[Attempt] = []
    for expected in (Standing.WAITING, Standing.WAITING, Standing.NOT_OK):
        course = StudyCourse(asked, {"0-1": runs})
        assert "0-1" == course.next()
        course.begin("0-1")
        assert expected is course.end("0-1", "failed", "agent lost")
        runs.append(replace(attempt("0-1", "failed"), setback="agent lost"))
    assert StudyCourse(asked, {"0-1": runs}).next() is None
    assert StudyCourse(record(1, 1), {"0-1": runs[:1]}).next() is None, "without retries a failure is one"


@given(st.permutations(["as-written", "shuffled", "blocked"]), st.integers(1, 6), st.integers(1, 4))
def test_each_order_has_every_repetition_once(orders: list[Order], cells: int, repetitions: int) -> None:
    """In blocks, every cell comes once before any comes twice; as written, a cell's repetitions stay together."""
    for order in orders:
        found = in_order(record(cells, repetitions, order=order))
        assert len(found) == len(set(found)) == cells * repetitions
        if order == "blocked":
            assert [n for n in range(1, repetitions + 1) for _ in range(cells)] == [int(d[-1]) for d in found]
        if order == "as-written":
            assert sorted(found) == found


def test_a_shuffled_order_is_no_order_and_always_the_same() -> None:
    """And cells that are added change nothing of the order of the others."""
    few, many = in_order(record(8, 2)), in_order(record(12, 2))
    assert sorted(few) != few
    assert few == [digest for digest in many if digest in few]


def test_a_late_run_is_retried_behind_the_others_and_then_given_up() -> None:
    """As often as the study says; what else is wrong is not."""
    course = StudyCourse(record(2, 1, {"late": 1}, "as-written"))
    course.begin("0-1")
    assert Standing.WAITING is course.end("0-1", "late")
    assert "1-1" == course.next()
    course.begin("1-1")
    assert Standing.NOT_OK is course.end("1-1", "failed")
    course.begin("0-1")
    assert Standing.NOT_OK is course.end("0-1", "late")
    assert course.next() is None
    assert {Standing.WAITING: 0, Standing.RUNNING: 0, Standing.OK: 0, Standing.NOT_OK: 2} == course.counts()


def test_what_ended_not_ok_is_run_again_only_on_request() -> None:
    """What is ok never is."""
    runs = {"0-1": [attempt("0-1", "failed")], "1-1": [attempt("1-1", "late"), attempt("1-1", "ok")]}
    assert StudyCourse(record(2, 1), runs).next() is None
    course = StudyCourse(record(2, 1), runs, again=True)
    assert "0-1" == course.next()
    course.begin("0-1")
    assert course.next() is None


def test_runs_of_another_text_of_the_study_count_for_nothing() -> None:
    """Their digests are not asked for any more."""
    course = StudyCourse(record(1, 1), {"other": [attempt("other", "ok")]})
    assert "0-1" == course.next()


def test_a_run_that_goes_on_can_be_adopted_once() -> None:
    """It takes the place of one that would begin."""
    course = StudyCourse(record(2, 1, order="as-written"))
    assert course.adopt("1-1")
    assert not course.adopt("1-1")
    course.begin("0-1")
    assert course.next() is None
    assert Standing.OK is course.end("1-1", "ok")


def test_what_is_out_of_turn_is_a_mistake_of_ours() -> None:
    """And is not passed over."""
    course = StudyCourse(record(2, 1, order="as-written"))
    with pytest.raises(AssertionError, match="is not next"):
        course.begin("1-1")
    with pytest.raises(AssertionError, match="does not run"):
        course.end("0-1", "ok")
