"""Holds what a run says of its links to the judge of `tests/truth`, which has nothing from plctl.

Every frame of a link that is `ok` met the scenario's fate. One that is `late` or `overloaded` names what was found, and
is `overloaded` only where the judge, too, finds frames whose fate is not the scenario's, or doubts the queue. What is
said of the others rests on what was done to them, which the checker knows. A link is not judged that had no T0, whose
beginning the judge's eyes missed, or whose rings had no room.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

from truth.judge import Half, Terms, judge_half
from truth.sentence import words_for

from chaos.evidence import Evidence, RunSeen
from chaos.plan import BUDGET_NS, PlannedLink

#: Verdicts that state what became of frames.
_OF_FRAMES = ("ok", "late", "overloaded")


def judged(evidence: Evidence, seen: RunSeen, planned: PlannedLink) -> Half | None:
    """What the judge found of the link up; None: it was not judged."""
    record = link_record(seen, planned.name)
    watched = seen.watched.get(planned.name)
    if not record.get("planned_ns") or record.get("verdict") not in _OF_FRAMES or not watched:
        return None
    t0_ns = record["planned_ns"] - evidence.offsets_ns[planned.host]
    if watched.since_ns > t0_ns or any(end.missed for end in watched.ends.values()):
        return None
    number = seen.planned.number(planned)
    left = [frame.stamp_ns for frame in watched.ends["client"].left if frame.number]
    end_ns = t0_ns + round(seen.planned.seconds * 1e9) if seen.planned.has_duration else max(left, default=t0_ns)
    return judge_half(planned.judged, number, "up", watched.ends, Terms(t0_ns, end_ns, BUDGET_NS))


def unjust(evidence: Evidence, seen: RunSeen) -> Iterator[str]:
    """What a verdict says that the judge does not find, or does not say that it finds."""
    for planned in seen.planned.links:
        if (half := judged(evidence, seen, planned)) is None:
            continue
        record = link_record(seen, planned.name)
        if what := _objection(record, half):
            cause = f" ({record['cause']})" if record["cause"] else ""
            yield f"{planned.name} on {planned.host}, {record['verdict']}{cause}: {what}: {half}"


def says(evidence: Evidence) -> tuple[Counter[str], tuple[int, int]]:
    """How many links were judged, by verdict, or were not, and why; and their frames that left and that came."""
    links: Counter[str] = Counter()
    left = came = 0
    for seen in evidence.runs:
        for planned in seen.planned.links:
            if half := judged(evidence, seen, planned):
                links[f"judged {link_record(seen, planned.name)['verdict']}"] += 1
                left, came = left + half.left, came + half.came
            elif link_record(seen, planned.name).get("verdict") in _OF_FRAMES:
                links["not seen from T0 on"] += 1
            else:
                links["with no verdict of frames"] += 1
    return links, (left, came)


def link_record(seen: RunSeen, name: str) -> dict[str, Any]:
    """What run.json has of the link; empty: nothing."""
    return next((link for link in seen.record.get("links", ()) if link["plan"]["name"] == name), {})


def _objection(record: dict[str, Any], half: Half) -> str:
    found, verdict = half.found(), record["verdict"]
    if not half.left:
        return "the judge saw no frame leave" if verdict == "ok" else ""
    if verdict == "ok":
        return "the judge finds another fate than the scenario's" if found else ""
    if not found:
        return "the judge finds each frame as the scenario says" if verdict == "overloaded" and not half.missing else ""
    told = "; ".join([record["cause"], *(record.get("also", ()) if verdict == "late" else ())])
    return (
        ""
        if re.search(words_for(found), told, re.IGNORECASE)
        else "the cause names something else than the judge finds"
    )
