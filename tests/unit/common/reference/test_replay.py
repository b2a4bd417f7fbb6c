"""A log that is true is found to be, and whatever is changed in one is found."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace

import pytest

from plctl.common.base.units import NS_PER_MS
from plctl.common.plan.disciplines import DISCIPLINES, Discipline
from plctl.common.plan.half_arguments import half_arguments
from plctl.common.plan.impairments import Impairments, Jitter, Loss
from plctl.common.plan.run_plan import Capacity, LinkPlan, Queue
from plctl.common.reference.half import Reference
from plctl.common.reference.logged_frame import FrameFate, LoggedFrame, read_records
from plctl.common.reference.replay import MOST_TOLD, Replay, replay
from plctl.common.scenario.schedule import Row, Schedule
from plctl.common.telemetry.packet_log import COPY, CORRUPT, ECN, MARKED, NO_ROUTE, RECORD

SEED = 7
T0 = 10**9
LOST_MEMORY, LOST_SEND, LOST_LATE = 128, 129, 130
EAGER = {
    "target": NS_PER_MS, "interval": 5 * NS_PER_MS, "tupdate": NS_PER_MS, "max_burst": 0, "ecn": 1,
    "min": 5000, "max": 10_000, "weight": 200_000, "probability": 200_000,
}  # fmt: skip


def plan_of(name: Discipline) -> LinkPlan:
    """A link on whose one route everything happens to frames, and whose rate and delay change."""
    path = (10**8, 10**8, 10**8, NS_PER_MS)
    rows = Schedule(
        (Row(0, 3, 10 * NS_PER_MS, 8_000_000, -1, *path), Row(10**8, 3, 2 * NS_PER_MS, 3_000_000, -1, *path))
    )
    known = {each.name for each in DISCIPLINES[name].parameters}
    queue = Queue(name, Capacity("packets", 20), {key: value for key, value in EAGER.items() if key in known})
    impairments = Impairments(Loss("burst", r_ppb=4 * 10**8), Jitter("pareto", reorder=True))
    return LinkPlan("leo-0", rows, rows, queue=queue, impairments=(impairments,), overhead_bytes=24)


def log_of(plan: LinkPlan, frames: int = 400) -> list[LoggedFrame]:
    """A true log of so many frames of all sizes, flows and ECN fields, which come in bursts, from before T0 on.

    It is the reference's own: that the C core writes the same, tests/live/model/test_replay.py shows on real links.
    """
    chance = random.Random(1)
    reference = Reference(**half_arguments(plan, "up", SEED))
    reference.arm(T0)
    sent, fates, at = [], {}, T0 - 50 * NS_PER_MS
    for number in range(frames):
        at += 0 if number % 10 else 8 * NS_PER_MS
        sent.append((chance.randrange(60, 1515), chance.randrange(4), chance.randrange(5)))
        length, ecn, flow = sent[-1]
        verdict, _ = reference.arrive(at, length + plan.overhead_bytes, ecn, flow)
        fates[number, False] = FrameFate(verdict, at)
    reference.advance(at + 10**10)
    marked = reference.queue.marked
    for number, verdict, _ in reference.dropped():
        fates[number, False] = replace(fates[number, False], verdict=verdict, marked=number in marked)
    for frame in reference.frames:
        number, fate = frame.number, fates[frame.number, False]
        served = replace(fate, marked=number in marked, start_ns=frame.start, end_ns=frame.end)
        for each in (frame, frame.copy):
            if each:
                bit = None if each.corruption is None else each.corruption * 8 * (sent[number][0] - 14) >> 32
                fates[number, each is frame.copy] = replace(served, due_ns=each.due, route=0, bit=bit)
        if frame.lost:
            fates[number, False] = served
    return [LoggedFrame(number + 1, copy, *sent[number], fates[number, copy]) for number, copy in sorted(fates)]


def replayed(plan: LinkPlan, log: Sequence[LoggedFrame]) -> Replay:
    """In a run whose link was armed at T0."""
    return replay(plan, "up", SEED, T0, log)


@pytest.mark.parametrize("name", DISCIPLINES)
def test_a_true_log_is_true(name: Discipline) -> None:
    """Everything that may happen to a frame happens, and of each record the reference says the same."""
    plan = plan_of(name)
    log = log_of(plan)
    assert Replay(len(log), 0, 0, ()) == replayed(plan, log)
    assert {0, 16} < {each.fate.verdict for each in log}
    assert min(sum(each.copy for each in log), sum(each.fate.bit is not None for each in log)) > 10
    assert any(each.fate.marked for each in log) == ("ecn" in plan.queue.parameters or name == "dualpi2")
    assert any(each.fate.end_ns and each.fate.end_ns < T0 for each in log)


CHANGES = {
    "verdict": {"verdict": 2}, "marked": {"marked": True}, "start_ns": {"start_ns": 5}, "end_ns": {"end_ns": 6},
    "due_ns": {"due_ns": 7}, "route": {"route": 1}, "bit": {"bit": 8},
}  # fmt: skip


@pytest.mark.parametrize("changed", CHANGES)
def test_what_is_changed_in_a_record_is_told(changed: str) -> None:
    """One field of one frame is told with both values; nothing else is different."""
    plan = plan_of("droptail")
    log = log_of(plan)
    at = next(i for i, each in enumerate(log) if i > 200 and each.fate.verdict == 0 and each.fate.bit is None)
    true = log[at].fate
    log[at] = replace(log[at], fate=replace(true, **CHANGES[changed]))
    number, false = log[at].number, getattr(log[at].fate, changed)
    words = f"frame {number}: {changed} is {false} in the log, {getattr(true, changed)} in the model"
    assert Replay(len(log), 0, 1, (words,)) == replayed(plan, log)


@pytest.mark.parametrize("changed", ["length", "flow"])
def test_what_came_cannot_be_changed_either(changed: str) -> None:
    """A frame of another length, or of another flow, would have had other fates, or changed those behind it."""
    plan = plan_of("fq_codel")
    log = [replace(each, **{changed: 77}) for each in log_of(plan)]
    found = replayed(plan, log)
    assert found.different > MOST_TOLD == len(found.differences)


def test_a_frame_without_a_record_ends_what_is_known() -> None:
    """What was decided before it came is compared; what comes after it is left out, and nothing is called different."""
    plan = plan_of("fq_codel")
    log = log_of(plan)
    found = replayed(plan, [each for each in log if each.number != 300])
    before = [each for each in log if each.number < 300]
    assert 200 < found.compared <= len(before)
    assert len(log) - found.compared - sum(each.number == 300 for each in log) == found.left_out
    assert 0 == found.different


def test_copies_are_held_to_the_reference_too() -> None:
    """One that has no record, or that nobody made, is told."""
    plan = plan_of("droptail")
    log = log_of(plan)
    copy = next(each for each in log if each.copy)
    lacking = replayed(plan, [each for each in log if each != copy])
    assert (f"the copy of frame {copy.number}: it is not in the log",) == lacking.differences
    alone = next(each for each in log if not each.copy and each.fate.due_ns and each.number not in copies(log))
    invented = replayed(plan, [*log, replace(alone, copy=True)])
    assert (f"the copy of frame {alone.number}: the model makes none",) == invented.differences


def copies(log: Sequence[LoggedFrame]) -> set[int]:
    """The numbers of the frames that have one."""
    return {each.number for each in log if each.copy}


def test_what_the_machine_lost_does_not_make_the_model_wrong() -> None:
    """A frame that was not sent was modelled; one without memory never came; one seen late was dropped by the model."""
    plan = plan_of("droptail")
    log = log_of(plan)
    sent = next(i for i, each in enumerate(log) if each.fate.verdict == 0)
    full = next(i for i, each in enumerate(log) if each.fate.verdict == 1)
    for at, verdict in ((sent, LOST_SEND), (full, LOST_LATE)):
        log[at] = replace(log[at], fate=replace(log[at].fate, verdict=verdict))
    never = LoggedFrame(1, False, 60, 0, 0, FrameFate(LOST_MEMORY, log[0].fate.arrival_ns))
    shifted = [never, *(replace(each, number=each.number + 1) for each in log)]
    assert Replay(len(log), 1, 0, ()) == replayed(plan, shifted)


def test_an_empty_log_says_nothing() -> None:
    """Also of a link that was never armed."""
    assert Replay(0, 0, 0, ()) == replay(plan_of("pie"), "up", SEED, None, [])


def test_records_are_read_as_they_travel() -> None:
    """Every field that the reference is held to."""
    flags = 2 | MARKED | CORRUPT | COPY
    served = RECORD.pack(3, 10, 1, 20, 30, 40, 50, 1, 1500, 0, flags, 2**32 - 1, 77)
    dropped = RECORD.pack(4, 11, 0, 0, 0, 0, 0, NO_ROUTE, 60, 1, ECN, 5, 0)
    assert [
        LoggedFrame(3, True, 1500, 2, 2**32 - 1, FrameFate(0, 10, True, 20, 30, 40, 1, 77)),
        LoggedFrame(4, False, 60, 3, 5, FrameFate(1, 11)),
    ] == [*read_records(served + dropped)]
