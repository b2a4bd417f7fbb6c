"""The checker finds nothing where all is as it must be, and each kind of what must not be."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from typing import Any, cast

import pytest
from truth.capture.ends import Seen
from truth.capture.frame import Frame, Number
from truth.path import Row

from chaos.checker import objections
from chaos.cluster import Cluster
from chaos.evidence import Done, Evidence, RunSeen, Sample, Watched, WitnessBook
from chaos.faults.kinds import KINDS
from chaos.judged import says
from chaos.plan import Plan, PlannedFault, PlannedLink, PlannedRun

MS, S = 10**6, 10**9
OFFSETS = {"controller": 5 * S, "h1": 70 * S, "h2": 3 * S}
#: T0, on the machine's clock.
T0 = 1000 * S
LINK = PlannedLink("l0", "h1", (Row(0, 0, 10 * MS, 10**7), Row(1500 * MS, 0, 20 * MS, 10**7)))


def evidence(*, cancel_ms: int = 0) -> Evidence:
    """Of one run of three seconds in which everything is right."""
    planned = PlannedRun("r0", 0, 3.0, (LINK,), cancel_ms, has_duration=True)
    seen = RunSeen(planned, 1, T0 - S, "a-run", done_ns=T0 + 4 * S)
    seen.listed = {"phase": "done", "verdict": "ok"}
    t0_ns = T0 + OFFSETS["h1"]
    link = {"plan": {"name": "l0"}, "host": "h1", "verdict": "ok", "cause": "", "planned_ns": t0_ns + 900}
    host = {"name": "h1", "bound_before_ns": 5000, "bound_after_ns": 1000}
    seen.record = {"verdict": "ok", "cause": "", "t0_ns": T0 + OFFSETS["controller"], "links": [link], "hosts": [host]}
    book = WitnessBook(began_ns=t0_ns + 2 * MS)
    for number in range(150):
        sent_ns = t0_ns + 3 * MS + number * 20 * MS
        delay_ns = (10 if sent_ns < t0_ns + 1500 * MS else 20) * MS
        book.sent[number] = (sent_ns, sent_ns + MS // 10)
        book.came[number] = [sent_ns + delay_ns + MS // 2]
    seen.books["l0"] = book
    seen.watched["l0"] = watch(book)
    seen.outputs["l0"] = [str(number) for number in book.sent]
    seen.samples = [Sample("h1", "l0", "up", 100 * MS * n, 100 * MS) for n in range(1, 31)]
    return Evidence(Plan(1, 2, (planned,), ()), T0 - 2 * S, [seen], offsets_ns=OFFSETS)


def watch(book: WitnessBook) -> Watched:
    """What the judge's eyes saw of what the book tells of, on the machine's clock."""
    left, came = [], []
    for number, (before, _) in book.sent.items():
        frame = Frame(before + MS // 20 - OFFSETS["h1"], 82, True, Number(0, 0, number), number)
        left.append(frame)
        came.append(replace(frame, stamp_ns=book.came[number][0] - MS // 5 - OFFSETS["h1"], outgoing=False))
    return Watched(T0 - S, {"client": Seen(left, [], 0, 0), "server": Seen([], came, 0, 0)})


def meet(kind: str, host: str, at_s: float, until_s: float, into: Evidence) -> Done:
    """Add a fault to what happened, seconds after T0."""
    fault = KINDS[kind](host, random.Random(1), cast("Cluster", None))
    done = Done(PlannedFault(kind, host, 0, 1, 1), fault, T0 + round(at_s * S), T0 + round(until_s * S))
    into.faults.append(done)
    return done


def judged(verdict: str, cause: str = "the forwarder was killed", **facts: Any) -> Evidence:
    """As `evidence`, with another verdict."""
    seen = evidence(**facts)
    run = seen.runs[0]
    run.record |= {"verdict": verdict, "cause": cause}
    run.record["links"][0] |= {"verdict": verdict, "cause": cause}
    run.listed["verdict"] = verdict
    return seen


def test_finds_nothing_where_all_is_right() -> None:
    """A run that is `ok` and met nothing."""
    assert [] == objections(evidence())


def _lose(seen: RunSeen) -> None:
    del seen.books["l0"].came[40]


def _hurry(seen: RunSeen) -> None:
    seen.books["l0"].came[40] = [seen.books["l0"].sent[40][0] + 9 * MS]


def _double(seen: RunSeen) -> None:
    seen.books["l0"].came[40] *= 2


def _begin_early(seen: RunSeen) -> None:
    seen.books["l0"].began_ns -= 3 * MS


def _begin_never(seen: RunSeen) -> None:
    seen.books["l0"] = WitnessBook()


def _move_t0(seen: RunSeen) -> None:
    seen.record["links"][0]["planned_ns"] += 2000


def _cut_output(seen: RunSeen) -> None:
    del seen.outputs["l0"][-3:]


def _skip_sample(seen: RunSeen) -> None:
    del seen.samples[7]


def _repeat_sample(seen: RunSeen) -> None:
    seen.samples.insert(7, seen.samples[7])


def _contradict(seen: RunSeen) -> None:
    seen.listed["verdict"] = "late"


def _forget_record(seen: RunSeen) -> None:
    seen.record = {}


@pytest.mark.parametrize(
    ("spoil", "word"),
    [
        (_lose, "lost"),
        (_hurry, "early"),
        (_double, "twice"),
        (_begin_early, "before T0"),
        (_begin_never, "never began"),
        (_move_t0, "from the controller's"),
        (_cut_output, "its output has"),
        (_skip_sample, "gaps"),
        (_repeat_sample, "gaps"),
        (_contradict, "the controller late"),
        (_forget_record, "no run.json"),
    ],
)
def test_finds_what_is_untrue(spoil: Callable[[RunSeen], None], word: str) -> None:
    """One thing that is not as the run says."""
    seen = evidence()
    spoil(seen.runs[0])
    found = objections(seen)
    assert found
    assert all(word in each for each in found)


def _miss_frame(seen: RunSeen) -> None:
    del seen.watched["l0"].ends["server"].came[40]


def _change_frame(seen: RunSeen) -> None:
    came = seen.watched["l0"].ends["server"].came
    came[40] = replace(came[40], digest=1)


def _overtake(seen: RunSeen) -> None:
    came = seen.watched["l0"].ends["server"].came
    came[41] = replace(came[41], stamp_ns=came[40].stamp_ns - 1000)


@pytest.mark.parametrize("spoil", [_miss_frame, _change_frame, _overtake])
def test_ok_is_held_to_the_judge(spoil: Callable[[RunSeen], None]) -> None:
    """Also where no program noticed: what the frames at both ends say counts."""
    seen = evidence()
    spoil(seen.runs[0])
    (objection,) = objections(seen)
    assert "the judge finds another fate" in objection
    assert {"judged ok": 1} == says(seen)[0]


def test_overloaded_and_its_cause_are_held_to_the_judge() -> None:
    """Frames were lost, or the verdict is a false alarm; and the cause says what was found."""
    for cause, spoiled, word in (
        ("3 frames lost by the machine, not the scenario", True, ""),
        ("the moon", True, "names something else"),
        ("3 frames lost by the machine, not the scenario", False, "each frame as the scenario says"),
    ):
        seen = judged("overloaded", cause)
        meet("stop forwarder", "h1", 1, 1, seen)
        if spoiled:
            _miss_frame(seen.runs[0])
        found = objections(seen)
        assert bool(word) == bool(found)
        assert all(word in each for each in found)


def test_what_the_judge_did_not_see_is_not_judged() -> None:
    """It is counted as that: the rings were opened too late, or had no room."""
    for watched in (
        replace(evidence().runs[0].watched["l0"], since_ns=T0 + MS),
        Watched(T0 - S, {"client": Seen([], [], 1, 0), "server": Seen([], [], 0, 0)}),
    ):
        seen = evidence()
        seen.runs[0].watched["l0"] = watched
        assert [] == objections(seen)
        assert {"not seen from T0 on": 1} == says(seen)[0]


def test_a_verdict_needs_a_fault_that_can_cause_it() -> None:
    """A killed forwarder fails the links of its host; a partition fails none that runs."""
    assert "nothing" in objections(judged("failed"))[0]
    for kind, host, at_s, wrong in (
        ("kill forwarder", "h1", 1, False),
        ("kill forwarder", "h2", 1, True),
        ("kill forwarder", "h1", -40, True),
        ("partition", "h1", 1, True),
        ("partition", "h1", -0.5, False),
        ("kill controller", "controller", 1, True),
        ("kill controller", "controller", -0.5, False),
    ):
        seen = judged("failed")
        meet(kind, host, at_s, at_s, seen)
        assert wrong == bool(objections(seen)), (kind, host, at_s)


def test_ok_needs_what_carries_it() -> None:
    """A link whose forwarder was killed while it ran is not `ok`."""
    seen = evidence()
    meet("kill forwarder", "h1", 1, 1, seen)
    assert "ok, although kill forwarder" in objections(seen)[0]


def test_a_verdict_needs_a_cause_and_a_cancelled_run_somebody_who_asked() -> None:
    """Both are named."""
    seen = judged("failed", "")
    meet("kill forwarder", "h1", 1, 1, seen)
    assert "without a cause" in objections(seen)[0]
    assert "nobody asked" in objections(judged("cancelled"))[0]


def test_nothing_of_a_cancelled_run_goes_on() -> None:
    """What it sends after it was said to be over is found."""
    seen = judged("cancelled", cancel_ms=500)
    run = seen.runs[0]
    run.cancel_order, run.cancel_said = 2, "run a-run is being ended"
    assert [] == objections(seen)
    run.done_ns = T0 + S
    assert "after the cancelled run was over" in objections(seen)[0]


def test_what_is_left_and_who_ended_is_told() -> None:
    """Also a traceback in a log."""
    seen = evidence()
    seen.left = ["h1: namespace pl-1"]
    seen.ends = {"h2": [(T0, -11)]}
    seen.logs = {"h2": 'Traceback (most recent call last):\n  File "x.py"\nValueError: no\n'}
    left, traced, ended = objections(seen)
    assert "pl-1" in left
    assert "ValueError: no" in traced
    assert "the agent on h2 ended by itself at 2.00 s with status -11" in ended
    meet("full disk", "h2", -1, 0, seen)
    assert [left, traced] == objections(seen)
