"""Says whether a link did what was asked of it, and if not why: one pure function from facts to a verdict.

Precedence is that of the harm done to the result, worst first: what a stronger verdict says makes the weaker ones
unreliable or moot. A link that **failed** has no complete measurement; a **cancelled** one has a true but shorter one
(and a failure before the cancelling is the better explanation, so it goes first); an **overloaded** one lost frames
that no scenario asked to lose, which changes what every protocol above it did; a **skewed** one emulated the right
path, but not together with the others; a **late** one was right but for a bounded blur in time. A **simulated** one,
whose host only made its telemetry up, is never `ok`: it measured nothing. Weaker findings are not dropped: they follow
in `Judgement.also`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from plctl.common.plan import Budget
from plctl.common.units import format_duration


class Verdict(StrEnum):
    """What a link or a run is called in the end; members stand in order of precedence, the strongest first."""

    FAILED = "failed"
    CANCELLED = "cancelled"
    OVERLOADED = "overloaded"
    SKEWED = "skewed"
    LATE = "late"
    SIMULATED = "simulated"
    OK = "ok"

    @property
    def rank(self) -> int:
        """0 for the strongest verdict (`FAILED`); grows towards `OK`."""
        return list(Verdict).index(self)


@dataclass(frozen=True, slots=True)
class HalfFacts:
    """What one direction of a link did, over the whole run."""

    lateness_p99_ns: int = -1  #: of delivery; -1: nothing was delivered, so nothing was late
    lost_ring: int = 0  #: frames that overran the receive ring
    lost_send: int = 0  #: frames that the kernel refused to send
    lost_memory: int = 0  #: frames for which the forwarder had no memory left

    @property
    def lost(self) -> int:
        """Frames that the machine lost, whatever the cause."""
        return self.lost_ring + self.lost_send + self.lost_memory


@dataclass(frozen=True, slots=True)
class LinkFacts:
    """Everything that a link's judgement needs. Both starts are in the clock of the link's agent.

    `planned_ns` is None for a link that starts with traffic rather than at T0; `started_ns` is None if it never did.
    A workload that plctl itself ended, because the run was over or cancelled, has not failed.
    """

    failure: str | None = None  #: the first cause, as a sentence
    cancelled: bool = False
    workload_failures: tuple[str, ...] = ()  #: a sentence each
    planned_ns: int | None = None
    started_ns: int | None = None
    clock_bound_ns: int = 0  #: how far the agent's idea of T0 may be from the controller's
    simulated: bool = False  #: nothing was built, all figures are made up
    up: HalfFacts = field(default_factory=HalfFacts)
    down: HalfFacts = field(default_factory=HalfFacts)

    @property
    def halves(self) -> tuple[tuple[str, HalfFacts], ...]:
        """Both directions with their names, in the order of every pair in plctl."""
        return (("up", self.up), ("down", self.down))


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict, its cause as a sentence with figures (empty if `ok`), and every weaker finding beside it."""

    verdict: Verdict
    cause: str = ""
    also: tuple[str, ...] = ()


def judge(facts: LinkFacts, budget: Budget) -> Judgement:
    """The strongest verdict that `facts` support; `ok` only if they support no other."""
    findings = list(_findings(facts, budget))
    if not findings:
        return Judgement(Verdict.OK)
    (verdict, cause), *weaker = findings
    return Judgement(verdict, cause, tuple(sentence for _, sentence in weaker))


def judge_run(links: Mapping[str, Judgement]) -> Judgement:
    """The run's own judgement: its worst link's verdict; `ok` only if there is a link and every one is `ok`."""
    if not links:
        return Judgement(Verdict.FAILED, "no link was judged")
    bad = {name: judgement for name, judgement in links.items() if judgement.verdict is not Verdict.OK}
    if not bad:
        return Judgement(Verdict.OK)
    name, worst = min(bad.items(), key=lambda item: item[1].verdict.rank)
    count = f"{len(bad)} of {len(links)} links not ok, the worst: " if len(links) > 1 else ""
    return Judgement(worst.verdict, f"{count}{name}: {worst.cause}")


def _findings(facts: LinkFacts, budget: Budget) -> Iterator[tuple[Verdict, str]]:
    """All that is wrong with a link, the strongest first."""
    yield from ((Verdict.FAILED, sentence) for sentence in _failures(facts))
    if facts.cancelled:
        yield Verdict.CANCELLED, "cancelled before the run was over"
    yield from ((Verdict.OVERLOADED, sentence) for sentence in _losses(facts))
    yield from ((Verdict.SKEWED, sentence) for sentence in _skew(facts, budget))
    yield from ((Verdict.LATE, sentence) for sentence in _lateness(facts, budget))
    if facts.simulated:
        yield Verdict.SIMULATED, "its host is simulated: no packet was carried, and every figure is made up"


def _failures(facts: LinkFacts) -> Iterator[str]:
    if facts.failure is not None:
        yield facts.failure
    yield from facts.workload_failures
    if facts.started_ns is None and facts.failure is None and not facts.cancelled:
        yield "the scenario never started" + (
            ", as no packet came to start it" if facts.planned_ns is None else " at T0"
        )


def _losses(facts: LinkFacts) -> Iterator[str]:
    for direction, half in facts.halves:
        if half.lost:
            causes = {"receive ring": half.lost_ring, "send": half.lost_send, "memory": half.lost_memory}
            named = ", ".join(f"{cause} {count}" for cause, count in causes.items() if count)
            yield f"the machine, not the scenario, lost {_frames(half.lost)} {direction} ({named})"


def _skew(facts: LinkFacts, budget: Budget) -> Iterator[str]:
    if facts.planned_ns is None or facts.started_ns is None:
        return
    off = facts.started_ns - facts.planned_ns
    if abs(off) + facts.clock_bound_ns > budget.skew_ns:
        yield (
            f"started {format_duration(abs(off))} {'after' if off >= 0 else 'before'} T0, give or take"
            f" {format_duration(facts.clock_bound_ns)} of clock error; the budget is {format_duration(budget.skew_ns)}"
        )


def _lateness(facts: LinkFacts, budget: Budget) -> Iterator[str]:
    for direction, half in facts.halves:
        if half.lateness_p99_ns > budget.lateness_ns:
            yield (
                f"frames {direction} left late: p99 {format_duration(half.lateness_p99_ns)},"
                f" the budget is {format_duration(budget.lateness_ns)}"
            )


def _frames(count: int) -> str:
    return "1 frame" if count == 1 else f"{count} frames"
