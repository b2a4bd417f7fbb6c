"""Replays a packet log: given the same arrivals, the reference must say the same of each frame, to the nanosecond.

A frame that never left the link has no record, and nobody knows when it came. So the log is replayed up to the first
number that is missing, and compared is what the reference decided before that frame can have come.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from itertools import count
from typing import NamedTuple

from plctl.common.plan.half_arguments import half_arguments
from plctl.common.plan.run_plan import ETHERNET_HEADER, LinkPlan
from plctl.common.reference.disciplines import ADMITTED, AQM, QUEUE_FULL
from plctl.common.reference.half import NEVER, RANDOM_LOSS, Frame, Reference
from plctl.common.reference.logged_frame import FrameFate, LoggedFrame
from plctl.common.scenario.schedule import Direction
from plctl.common.telemetry.packet_log import VERDICTS

#: Differences that are told; the others are only counted.
MOST_TOLD = 20
#: Verdicts of the machine: it lost the frame before the model saw it; the model dropped it on arrival, late; the model
#: let it through, and the kernel would not send it.
_NEVER_CAME, _SEEN_LATE, _NOT_SENT = (
    next(code for code, name in VERDICTS.items() if name == lost) for lost in ("lost_memory", "lost_late", "lost_send")
)


@dataclass(frozen=True, slots=True)
class Replay:
    """What came of it."""

    compared: int  #: records that were held to the reference
    left_out: int  #: records that could not be: the log does not tell enough, or the machine lost the frame at once
    different: int  #: frames of which log and reference say different things, or the log nothing
    differences: tuple[str, ...]  #: the first `MOST_TOLD` of these, a sentence each


class FrameKey(NamedTuple):
    """What names a record."""

    number: int
    copy: bool

    def __str__(self) -> str:
        return f"the copy of frame {self.number}" if self.copy else f"frame {self.number}"


class Decision(NamedTuple):
    """When the model decides what becomes of a frame, and what."""

    at_ns: int
    fate: FrameFate


Decisions = dict[FrameKey, Decision]


def replay(plan: LinkPlan, direction: Direction, seed: int, t0_ns: int | None, log: Iterable[LoggedFrame]) -> Replay:
    """Hold the `log` of one direction of `plan` to the reference, in a run with that seed.

    :param t0_ns: when its scenario started, on the clock of the log; None: it did not.
    """
    logged = {FrameKey(each.number, each.copy): each for each in log}
    known = _known(logged)
    until_ns = known[-1].fate.arrival_ns if known else 0
    if len(known) == sum(not key.copy for key in logged):
        until_ns = NEVER
    reference = Reference(**half_arguments(plan, direction, seed))
    if t0_ns is not None:
        reference.arm(t0_ns)
    end_ns = max((max(each.fate.due_ns, each.fate.end_ns) for each in logged.values()), default=0)
    decisions = _decide(reference, known, plan.overhead_bytes, end_ns)
    decisions = {key: each for key, each in decisions.items() if each.at_ns <= until_ns}
    told = [*_differences(logged, decisions), *_missing(logged, decisions)]
    compared = len(logged.keys() & decisions)
    return Replay(compared, len(logged) - compared, len(told), tuple(told[:MOST_TOLD]))


def _known(logged: Mapping[FrameKey, LoggedFrame]) -> list[LoggedFrame]:
    """The frames up to the first without a record, in order of arrival."""
    found: list[LoggedFrame] = []
    for number in count(1):
        frame = logged.get(FrameKey(number, copy=False))
        if frame is None:
            return found
        found.append(frame)
    raise AssertionError("numbers never end")


def _decide(reference: Reference, known: Iterable[LoggedFrame], overhead: int, until_ns: int) -> Decisions:
    """Let the frames arrive at the reference: what it decides of each."""
    fed: list[LoggedFrame] = []
    found: Decisions = {}
    for each in known:
        if each.fate.verdict == _NEVER_CAME:
            continue
        verdict, arrival_ns = reference.arrive(each.fate.arrival_ns, each.length + overhead, each.ecn, each.flow)
        fed.append(each)
        if verdict != ADMITTED:
            found[FrameKey(each.number, copy=False)] = Decision(arrival_ns, FrameFate(verdict, arrival_ns))
    reference.advance(until_ns)
    for number, verdict, at_ns in reference.dropped():
        fate = FrameFate(verdict, fed[number].fate.arrival_ns, number in reference.queue.marked)
        found[FrameKey(fed[number].number, copy=False)] = Decision(at_ns, fate)
    for frame in reference.frames:
        if frame.end <= reference.virtual_now:
            found |= dict(_served(frame, fed[frame.number], marked=frame.number in reference.queue.marked))
    return found


def _served(frame: Frame, logged: LoggedFrame, *, marked: bool) -> Iterator[tuple[FrameKey, Decision]]:
    """What became of a frame that the bottleneck has served, and of its copy."""
    if frame.lost:
        fate = FrameFate(RANDOM_LOSS, frame.arrival, marked, frame.start, frame.end)
        yield FrameKey(logged.number, copy=False), Decision(frame.end, fate)
        return
    bits = 8 * max(0, logged.length - ETHERNET_HEADER)
    for each in (frame, frame.copy):
        if each:
            bit = None if each.corruption is None else each.corruption * bits >> 32
            fate = FrameFate(ADMITTED, frame.arrival, marked, frame.start, frame.end, each.due, each.route, bit)
            yield FrameKey(logged.number, copy=each is not frame), Decision(frame.end, fate)


def _differences(logged: Mapping[FrameKey, LoggedFrame], decisions: Decisions) -> Iterator[str]:
    """What records and decisions say differently."""
    for key, record in sorted(logged.items()):
        if key in decisions:
            expected, found = decisions[key].fate, _as_modelled(record.fate)
            if found.verdict == _SEEN_LATE and expected.verdict in (QUEUE_FULL, AQM):
                found = replace(found, verdict=expected.verdict)
            words = [
                f"{each.name} is {getattr(found, each.name)} in the log, {getattr(expected, each.name)} in the model"
                for each in fields(FrameFate)
                if getattr(found, each.name) != getattr(expected, each.name)
            ]
            if words:
                yield f"{key}: {'; '.join(words)}"
        elif key.copy and FrameKey(key.number, copy=False) in decisions:
            yield f"{key}: the model makes none"


def _as_modelled(fate: FrameFate) -> FrameFate:
    """Without what the kernel did to a frame that the model had let through."""
    return replace(fate, verdict=ADMITTED) if fate.verdict == _NOT_SENT else fate


def _missing(logged: Mapping[FrameKey, LoggedFrame], decisions: Decisions) -> Iterator[str]:
    """What should have been sent before something that was, and has no record."""
    last_due_ns = max((each.fate.due_ns for each in logged.values()), default=0)
    for key, (_, fate) in decisions.items():
        if key not in logged and fate.due_ns < last_due_ns:
            yield f"{key}: it is not in the log"
