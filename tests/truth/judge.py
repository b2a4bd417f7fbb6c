"""Says of each frame of a run whether it met the scenario's fate, from what both ends saw and nothing of ours.

Between a frame's leaving the sender's interface and its arrival at the link lie microseconds: 2 in the median and 50 at
most among 30,000 frames, half of them beside CPU hogs. But a CPU may be taken away in between, so every frame is
judged with the arrival anywhere in `DOUBT_NS` after it left (bottleneck.py has the arithmetic). A frame that the queue
might or might not have held in that time is the scenario's either way, and what was seen of it decides the model's
further course. This is blind to at most DOUBT_NS × rate bytes of wrong drops in a busy period, and only where the queue
is that near to full: one more wrong drop, and the model's queue has room for certain. Elsewhere nothing is in doubt.

A frame is *lost* if the model delivers it well before the run ends and it never came out behind the filters of the
other end; *forced* if the model drops it and it came out; *early* if it came before it was due at the earliest; *late*
if after it was due at the latest by more than the budget; *twice*, *changed* and *overtaken* say themselves. The budget
of lateness is one for the 99th percentile: late frames are another fate than the scenario's only if they show that more
than one in a hundred is late, or if one of them is late by `GREAT` budgets.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from truth.bottleneck import Admission, Bottleneck, Span
from truth.capture.ends import Seen
from truth.capture.frame import Frame, Number
from truth.case import DURATION_NS, WAYS, Link
from truth.evidence import Evidence
from truth.path import Path

MS = 10**6
#: How long a frame may have been under way from its sender's interface to the link.
DOUBT_NS = 2 * MS
#: By how much stamps of the two ends may be wrong relative to each other, beside what their clocks' readings differ.
STAMP_NS = 100_000
#: A frame due so shortly before the scenario's end need not have come out.
END_NS = 50 * MS
#: So many of all frames may be later than the budget; that there are more is shown if chance alone would make so many
#: or more of them in at most `CHANCE` of all runs.
LATE_SHARE, CHANCE = 0.01, 0.05
#: So many budgets late, a single frame counts: no percentile makes up for that.
GREAT = 20
_ENDS = {"up": ("client", "server"), "down": ("server", "client")}


@dataclass
class Half:
    """What was found of one direction of a link."""

    link: str
    way: str
    left: int = 0
    came: int = 0
    either: int = 0  #: frames whose admission was in doubt
    missing: int = 0  #: those of them that did not come out
    lost: list[float] = field(default_factory=list)  #: when they left, seconds after T0; so with the others
    forced: list[float] = field(default_factory=list)
    early: list[float] = field(default_factory=list)
    late: list[float] = field(default_factory=list)
    twice: list[float] = field(default_factory=list)
    changed: list[float] = field(default_factory=list)
    overtaken: list[float] = field(default_factory=list)
    budget_ns: int = 0  #: of lateness
    lateness_ns: list[int] = field(default_factory=list)  #: at least, of what came

    def found(self) -> Counter[str]:
        """How many frames of each kind met another fate than the scenario's."""
        kinds = ("lost", "forced", "early", "twice", "changed", "overtaken", *(["late"] if self.is_late else []))
        return Counter({kind: len(getattr(self, kind)) for kind in kinds if getattr(self, kind)})

    @property
    def is_late(self) -> bool:
        """Whether late frames are more than the budget allows."""
        worst_ns = max(self.lateness_ns, default=0)
        return worst_ns > GREAT * self.budget_ns or _chance(len(self.lateness_ns), len(self.late)) <= CHANCE

    def __str__(self) -> str:
        """For whoever asks what was found."""
        found = ", ".join(
            f"{count} {kind} ({min(getattr(self, kind)):.3f} … {max(getattr(self, kind)):.3f} s)"
            for kind, count in self.found().items()
        )
        worst = max(self.lateness_ns, default=0) / MS
        return (
            f"{self.link} {self.way}: {self.left} left, {self.came} came, {self.either} in doubt,"
            f" {len(self.late)} late, worst {worst:.2f} ms late; {found or 'each as the scenario says'}"
        )


def judge(evidence: Evidence, doubt_ns: int = DOUBT_NS) -> list[Half]:
    """Every direction of every link that was watched."""
    terms = Terms(evidence.t0_ns, evidence.t0_ns + DURATION_NS, evidence.case.lateness_ns, doubt_ns)
    return [
        judge_half(link, number, way, {end: evidence.ends[number, end] for end in ("client", "server")}, terms)
        for number, link in enumerate(evidence.case.links)
        if (number, "client") in evidence.ends
        for way in WAYS
    ]


class Terms(NamedTuple):
    """What a link is held to. Times are of the clock of the frames' stamps."""

    t0_ns: int
    end_ns: int  #: until then the link was there for certain
    budget_ns: int  #: of lateness
    doubt_ns: int = DOUBT_NS


def judge_half(link: Link, number: int, way: str, ends: Mapping[str, Seen], terms: Terms) -> Half:
    """One direction of one link.

    :param number: of the link, as its sender's frames bear it.
    :param ends: what the ``client`` and the ``server`` end saw.
    """
    return _Judge(link, number, way, ends, terms).judge()


class _Judge:
    """Judges one direction of the link `number`."""

    def __init__(self, link: Link, number: int, way: str, ends: Mapping[str, Seen], terms: Terms) -> None:
        self._near, self._far = (ends[end] for end in _ENDS[way])
        self._t0_ns, self._end_ns, self._budget_ns, self._doubt_ns = terms
        self._error_ns = self._near.clock_error_ns + self._far.clock_error_ns + STAMP_NS
        self._path = Path(link.halves[way].rows, terms.t0_ns, link.blackout_ns, link.mode)
        self._model = Bottleneck(self._path, link.queue)
        self._found = Half(link.name, way, budget_ns=self._budget_ns)
        self._last_ns: dict[int, int] = {}  # by route: when the last frame came that was on it for certain
        self._came = self._arrivals(number, WAYS.index(way))

    def judge(self) -> Half:
        """Each frame that left, in order."""
        for frame in self._near.left:
            arrival = self._came.get(frame.number) if frame.number else None
            self._found.left += 1
            at = Span(frame.stamp_ns - self._error_ns, frame.stamp_ns + self._doubt_ns)
            if self._is_admitted(frame, at, arrival):
                due = self._model.admit()
                if arrival:
                    self._compare(frame, arrival, at, due)
                elif frame.number and due.hi + self._budget_ns + END_NS < self._end_ns:
                    self._found.lost.append(self._when(frame))
        return self._found

    def _is_admitted(self, frame: Frame, at: Span, arrival: Frame | None) -> bool:
        """Whether the queue took it: as the model says, or, where it cannot know, as was seen."""
        admission = self._model.arrive(at, frame.length)
        if admission is Admission.EITHER:
            self._found.either += 1
            self._found.missing += arrival is None
            return arrival is not None
        if admission is Admission.DROPPED and arrival:
            self._found.forced.append(self._when(frame))
        return admission is Admission.ADMITTED

    def _compare(self, frame: Frame, arrival: Frame, at: Span, due: Span) -> None:
        when, late_ns = self._when(frame), arrival.stamp_ns - due.hi
        self._found.lateness_ns.append(late_ns)
        if arrival.stamp_ns < due.lo - self._error_ns:
            self._found.early.append(when)
        if late_ns > self._budget_ns + self._error_ns:
            self._found.late.append(when)
        if arrival.digest != frame.digest or not arrival.summed:
            self._found.changed.append(when)
        routes = {row.route for _, _, row in self._path.spells(at.lo, due.hi)}
        if len(routes) == 1:
            (route,) = routes
            if arrival.stamp_ns < self._last_ns.get(route, 0):
                self._found.overtaken.append(when)
            self._last_ns[route] = max(arrival.stamp_ns, self._last_ns.get(route, 0))

    def _arrivals(self, link: int, way: int) -> dict[Number, Frame]:
        """The first coming of each frame."""
        came: dict[Number, Frame] = {}
        for frame in self._far.came:
            if frame.number and (frame.number.link, frame.number.way) == (link, way):
                if frame.number in came:
                    self._found.twice.append(self._when(frame))
                came.setdefault(frame.number, frame)
        self._found.came = len(came)
        return came

    def _when(self, frame: Frame) -> float:
        """Seconds after T0."""
        return (frame.stamp_ns - self._t0_ns) / 1e9


def _chance(frames: int, late: int) -> float:
    """That `late` or more of `frames` are late, if one in a hundred is: the sum of the binomial distribution's end."""
    below, term = 0.0, (1 - LATE_SHARE) ** frames
    for number in range(late):
        below += term
        term *= (frames - number) / (number + 1) * LATE_SHARE / (1 - LATE_SHARE)
    return 1 - below
