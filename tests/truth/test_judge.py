"""The judge finds each kind of wrong fate, down to a single frame, and nothing where all is as the scenario says."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace

import pytest

from truth.bottleneck import Bottleneck, Capacity, Queue, Span
from truth.capture.ends import Seen
from truth.capture.frame import Frame, Number
from truth.case import DURATION_NS, Case, Half, Link
from truth.evidence import Evidence
from truth.judge import judge
from truth.path import Path, Row
from truth.sentence import outcomes

MS = 10**6
T0 = 10**12
ROWS = (Row(0, 0, 20 * MS, 8 * 10**6), Row(1000 * MS, 1, 10 * MS, 4 * 10**6))
LINK = Link(
    "l0", {"up": Half(ROWS, None), "down": Half(ROWS, None)}, Queue(Capacity("packets", 50)), 20 * MS, "all", False
)
CASE = Case(0, "packet", 5 * MS, (LINK,), ())


def emulate(pps: int) -> tuple[list[Frame], list[Frame]]:
    """What leaves at one end and comes at the other in two seconds, through a link that is right, 10 µs away."""
    model = Bottleneck(Path(ROWS, T0, LINK.blackout_ns, LINK.mode), LINK.queue)
    dice, left, came = random.Random(pps), [], []
    for number in range(2 * pps):
        stamp = T0 + number * 10**9 // pps + dice.randrange(100_000)
        frame = Frame(stamp, 1000, True, Number(0, 0, number), number)
        left.append(frame)
        if model.arrive(Span(stamp + 10_000, stamp + 10_000), frame.length).value == "admitted":
            due = model.admit().lo
            came.append(replace(frame, stamp_ns=due + dice.randrange(10_000, 90_000), outgoing=False))
    return left, sorted(came, key=lambda frame: frame.stamp_ns)


def evidence(left: list[Frame], came: list[Frame], verdict: str = "ok", cause: str = "") -> Evidence:
    """Of a run with these frames up, and none down."""
    ends = {(0, "client"): Seen(left, [], 0, 0), (0, "server"): Seen([], came, 0, 0)}
    record = {"links": [{"plan": {"name": "l0"}, "verdict": verdict, "cause": cause}]}
    return Evidence(CASE, T0, ends, record)


def found(left: list[Frame], came: list[Frame]) -> Counter[str]:
    """What the judge finds up."""
    up, down = judge(evidence(left, came))
    assert not down.found()
    return up.found()


@pytest.mark.parametrize("pps", [200, 490, 900, 3000])
def test_finds_nothing_where_all_is_right(pps: int) -> None:
    """Below, near, and above the link's rate, over a route change with a blackout."""
    assert Counter() == found(*emulate(pps))


@pytest.mark.parametrize(
    ("wrong", "name"),
    [
        (lambda _: [], "lost"),
        (lambda frame: [frame.moved(-8 * MS)], "early"),
        (lambda frame: [frame, frame.moved(MS)], "twice"),
        (lambda frame: [replace(frame, digest=-1)], "changed"),
        (lambda frame: [replace(frame, summed=False)], "changed"),
    ],
)
def test_finds_a_single_frame(wrong, name: str) -> None:
    """One frame of 100 that is not as the scenario says is found, and called what it is."""
    left, came = emulate(50)
    came[70:71] = wrong(came[70])
    assert Counter({name: 1}) == found(left, came)


@pytest.mark.parametrize(("late", "finding"), [([10, 25, 40], {}), ([10, 25, 40, 70], {"late": 4})])
def test_finds_late_frames_beyond_what_the_percentile_allows(late: list[int], finding: dict[str, int]) -> None:
    """Three of a hundred may be one in a hundred by chance, four are more."""
    left, came = emulate(50)
    for place in late:
        came[place] = came[place].moved(11 * MS)
    assert finding == found(left, came)


@pytest.mark.parametrize(("by_ns", "finding"), [(95 * MS, {}), (105 * MS, {"late": 1})])
def test_finds_a_single_frame_that_is_late_by_many_budgets(by_ns: int, finding: dict[str, int]) -> None:
    """Twenty of them, beyond the doubt about its arrival."""
    left, came = emulate(50)
    came[-1] = came[-1].moved(by_ns)
    assert finding == found(left, came)


def test_finds_frames_that_went_past_each_other() -> None:
    """Two frames of one route come in the other order."""
    left, came = emulate(200)
    first, second = came[100], came[101]
    came[100:102] = [second.moved(-4 * MS), first.moved(4 * MS)]
    assert found(left, came)["overtaken"] == 1


def test_finds_a_frame_that_a_full_queue_must_drop() -> None:
    """Where three times the rate is sent, what came although the queue was full is found once it exceeds the doubt."""
    left, came = emulate(3000)
    there = {frame.number for frame in came}
    extra = [frame.moved(100 * MS) for frame in left[1000:1100] if frame.number not in there]
    assert found(left, came + extra)["forced"] > len(extra) / 2


def test_finds_wrong_drops_in_a_full_queue() -> None:
    """Where three times the rate is sent and every fourth that should have come did not, most of these are found."""
    left, came = emulate(3000)
    assert found(left, [frame for place, frame in enumerate(came) if place % 4])["lost"] > len(came) / 8


def test_does_not_ask_for_what_is_due_after_the_end() -> None:
    """A frame that need not have come before the run ended is not lost."""
    late = Frame(T0 + DURATION_NS - 20 * MS, 1000, True, Number(0, 0, 0), 0)
    assert Counter() == found([late], [])


@pytest.mark.parametrize(
    ("verdict", "cause", "lose", "objection"),
    [
        ("ok", "", False, ""),
        ("late", "frames up left late", False, ""),
        ("unproven", "nobody looked", False, "false alarm"),
        ("overloaded", "the machine, not the scenario, lost 1 frame up", False, "false alarm"),
        ("ok", "", True, "false ok"),
        ("late", "frames up left late", True, "wrong cause"),
        ("overloaded", "the machine, not the scenario, lost 1 frame up", True, ""),
    ],
)
def test_holds_verdicts_to_the_sentence(verdict: str, cause: str, lose: bool, objection: str) -> None:
    """A verdict is wrong if it is `ok` with a lost frame, names another cause, or is worse than `late` without one."""
    left, came = emulate(200)
    (outcome,) = outcomes(evidence(left, came[1:] if lose else came, verdict, cause))
    assert objection == outcome.objection


@pytest.mark.parametrize(
    ("verdict", "also", "objection"),
    [
        ("late", "veth2 lost frames", ""),
        ("late", "idle", "wrong cause"),
        ("failed", "veth2 lost frames", "wrong cause"),
    ],
)
def test_what_stands_beside_late_may_name_the_right_thing(verdict: str, also: str, objection: str) -> None:
    """A busy machine makes any link late, and the cause is only one; beside a graver verdict it would be hidden."""
    left, came = emulate(200)
    seen = evidence(left, came[1:], verdict, "frames up left later than due")
    seen.record["links"][0]["also"] = [also]
    (outcome,) = outcomes(seen)
    assert objection == outcome.objection
