"""How witnesses put what they have to say; shared by all of them."""

from __future__ import annotations

from plctl.common.base.units import format_duration
from plctl.controller.verdict.link_facts import LinkFacts
from plctl.controller.verdict.verdict import Statement, Verdict


def seen(witness: str, facts: LinkFacts, says: str) -> Statement:
    """No objection, over the time in which the link was watched."""
    return Statement(witness, True, facts.from_ns, facts.until_ns, says)


def remark(witness: str, facts: LinkFacts, says: str) -> Statement:
    """No objection, but something that a reader of the verdict should know."""
    return Statement(witness, True, facts.from_ns, facts.until_ns, says, remark=True)


def objection(witness: str, facts: LinkFacts, verdict: Verdict, says: str, *, heard: bool = True) -> Statement:
    """Something that is wrong, over the time in which the link was watched."""
    return Statement(witness, heard, facts.from_ns, facts.until_ns, says, verdict)


def unheard(witness: str, says: str) -> Statement:
    """Nobody looked, or nothing could be seen: what this witness would have said is not known."""
    return Statement(witness, False, None, None, says, Verdict.UNPROVEN)


def frames(count: int) -> str:
    """``1 frame``, ``7 frames``."""
    return "1 frame" if count == 1 else f"{count} frames"


def after_t0(at_ns: int, t0_ns: int | None) -> str:
    """``1.2 s after T0``, ``at T0``; plain words where T0 is not known."""
    if t0_ns is None:
        return "at an instant that cannot be told, as T0 is not known"
    off = at_ns - t0_ns
    if not off:
        return "at T0"
    return f"{format_duration(abs(off))} {'after' if off >= 0 else 'before'} T0"
