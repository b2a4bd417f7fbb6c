"""What links and runs are called in the end, and by what rule one verdict goes before another.

Precedence is that of the harm done to the result, worst first: what a stronger verdict says makes the weaker ones
unreliable or moot. A link that **failed** has no complete measurement; a **cancelled** one has a true but shorter one
(and a failure before the cancelling is the better explanation, so it goes first); an **overloaded** one lost frames
that no scenario asked to lose, which changes what every protocol above it did; a **skewed** one emulated the right
path, but not together with the others; a **late** one was right but for a bounded blur in time. An **unproven** one
shows nothing wrong, but a witness that could have seen it was not heard. A **simulated** one, whose host only made its
telemetry up, is never `ok`: it measured nothing. How a link comes by its verdict is in certificate.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Verdict(StrEnum):
    """What a link or a run is called in the end; members stand in order of precedence, the strongest first."""

    FAILED = "failed"
    CANCELLED = "cancelled"
    OVERLOADED = "overloaded"
    SKEWED = "skewed"
    LATE = "late"
    UNPROVEN = "unproven"
    SIMULATED = "simulated"
    OK = "ok"

    @property
    def rank(self) -> int:
        """0 for the strongest verdict (`FAILED`); grows towards `OK`."""
        return list(Verdict).index(self)


@dataclass(frozen=True, slots=True)
class Statement:
    """What one witness says about one link; a line of the certificate, and of run.json.

    Times are CLOCK_MONOTONIC of the link's host, None where they mean nothing.
    """

    witness: str  #: its name; what each can see: decision 071
    heard: bool  #: false: it did not look, or nobody heard it
    from_ns: int | None  #: what it says is about this time
    until_ns: int | None  #: likewise
    says: str  #: a sentence with figures
    verdict: str = Verdict.OK  #: what this alone makes of the link; `ok`: no objection
    remark: bool = False  #: no objection, but worth a line beside the verdict


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict, its cause as a sentence with figures (empty if `ok`), and every weaker finding beside it."""

    verdict: Verdict
    cause: str = ""
    also: tuple[str, ...] = ()
    certificate: tuple[Statement, ...] = field(default=(), compare=False)  #: what all that rests on


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
