"""The one sentence that a run is held to.

    Whenever the judge finds a frame whose fate is not the scenario's, the verdict is not `ok`, and its cause names the
    right thing; whenever it finds none, the verdict is not worse than `late`.

The judge also objects to a sender that began much later than T0 or never, and to a link that lost its forwarder or an
interface. Nobody outside sees whether a sender was executed late or its interpreter took long: if it began in between,
the verdict may be either. `unproven` is weaker than `late`, so it is allowed without a finding, but only where a
witness was disturbed; and a machine with other things to do may make a link `late` besides, which goes first: then what
stands beside the cause may name the right thing. That a run hangs, breaks off, prints a traceback or leaves something
behind is an objection of its own.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, replace
from typing import Any

from truth.case import WORKLOAD_NS, Link
from truth.disturbances import KINDS
from truth.evidence import Evidence
from truth.judge import Half, judge

MS = 10**6
#: A sender's interpreter may take so long to start; beyond it and the budget of workloads its start was late.
START_NS = 300 * MS
#: What a cause says of frames that the machine lost, and of those that came late.
LOST = r"machine, not the scenario|\blost\b|never left|neither"
LATE = r"\blate\b|stalled|stood still|overdue|gap"
#: By what the judge found: what the cause may say, whatever was done to the run. The gravest that was found counts.
WORDS = {
    "broken link": r"",
    "sender that never began": r"up|down|start|workload",
    "sender that began late": r"after T0|later than planned|late",
    "lost": LOST,
    "forced": LOST,
    "changed": r"chang|offload|checksum",
    "twice": LOST,
    "early": f"{LOST}|{LATE}",
    "overtaken": f"{LOST}|{LATE}",
    "late": f"{LOST}|{LATE}",
}


@dataclass(frozen=True)
class Outcome:
    """A link's verdict beside what was found of it."""

    link: str
    verdict: str
    cause: str
    told: str  #: the cause, and what stands beside it
    found: Counter[str]
    objection: str  #: what breaks the sentence; empty: nothing

    def __str__(self) -> str:
        """For the table."""
        found = ", ".join(f"{count} {kind}" for kind, count in sorted(self.found.items()))
        return f"{self.verdict or '–'}{f' ({self.cause})' if self.cause else ''}; found: {found or 'nothing'}"


def outcomes(evidence: Evidence) -> list[Outcome]:
    """Of every link of the run."""
    halves = judge(evidence)
    records = {link["plan"]["name"]: link for link in evidence.record.get("links", ())}
    return [
        _outcome(
            evidence, number, link, [half for half in halves if half.link == link.name], records.get(link.name, {})
        )
        for number, link in enumerate(evidence.case.links)
    ]


def _outcome(evidence: Evidence, number: int, link: Link, halves: list[Half], record: dict[str, Any]) -> Outcome:
    found: Counter[str] = sum((half.found() for half in halves), Counter())
    found += _found_of_senders(evidence, number, link)
    found += _found_broken(evidence, number)
    told = "; ".join([record.get("cause", ""), *record.get("also", ())])
    outcome = Outcome(link.name, record.get("verdict", ""), record.get("cause", ""), told, found, "")
    hidden = any(KINDS[each.kind].hides and each.link == number for each in evidence.case.disturbances)
    doubt = hidden or any(half.missing for half in halves)
    return replace(outcome, objection=_objection(evidence, number, outcome, doubt=doubt))


def _found_of_senders(evidence: Evidence, number: int, link: Link) -> Counter[str]:
    found: Counter[str] = Counter()
    for way, half in link.halves.items():
        if half.order and evidence.t0_ns:
            began_ns = evidence.began_ns.get((number, way))
            if began_ns is None:
                found["sender that never began"] += 1
            elif began_ns > evidence.t0_ns + WORKLOAD_NS + START_NS:
                found["sender that began late"] += 1
    return found


def _found_broken(evidence: Evidence, number: int) -> Counter[str]:
    """A link without an interface or a forwarder is none, also where no frame was left to miss it."""
    kinds = [
        KINDS[each.kind] for each in evidence.case.disturbances if not KINDS[each.kind].upsets or each.link == number
    ]
    return Counter({"broken link": 1} if any(kind.breaks for kind in kinds) else {})


def _objection(evidence: Evidence, number: int, outcome: Outcome, *, doubt: bool) -> str:
    """What breaks the sentence. `doubt`: the queue may have dropped frames, or nobody saw them leave."""
    if outcome.found and outcome.verdict == "ok":
        return "false ok"
    told = outcome.told if outcome.verdict == "late" else outcome.cause
    if outcome.found and not re.search(_words(evidence, outcome.found), told, re.IGNORECASE):
        return "wrong cause"
    upset = outcome.verdict == "unproven" and _may_upset(evidence, number)
    slow = outcome.verdict == "skewed" and _may_be_slow(evidence, number)
    doubtful = outcome.verdict == "overloaded" and doubt
    return "" if outcome.found or outcome.verdict in ("ok", "late") or upset or slow or doubtful else "false alarm"


def _words(evidence: Evidence, found: Counter[str]) -> str:
    """What may stand in the cause: what was done, or the gravest of what was found."""
    words = [KINDS[planned.kind].words for planned in evidence.case.disturbances]
    return "|".join(filter(None, [*words, words_for(found)]))


def words_for(found: Counter[str]) -> str:
    """What a cause may say of the gravest of what was found; empty: anything."""
    return next(words for kind, words in WORDS.items() if kind in found)


def _may_be_slow(evidence: Evidence, number: int) -> bool:
    """Whether a sender of the link may have been executed later than its budget."""
    began_ns = [at_ns for (link, _), at_ns in evidence.began_ns.items() if link == number]
    return max(began_ns, default=0) > evidence.t0_ns + WORKLOAD_NS


def _may_upset(evidence: Evidence, number: int) -> bool:
    return any(KINDS[each.kind].upsets and each.link == number for each in evidence.case.disturbances)
