"""How a certificate reads: the witnesses that object first, each with the time that it watched, in seconds after T0."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from plctl.common.base.units import NS_PER_S
from plctl.controller.verdict.verdict import Statement, Verdict


def ordered(certificate: Sequence[Statement]) -> list[Statement]:
    """Objections by the harm they tell of, then remarks, then the others as they were heard."""
    return sorted(certificate, key=lambda each: (Verdict(each.verdict).rank, not each.remark))


def mark(statement: Statement) -> str:
    """What a statement comes to, in a word or two: a verdict, "not heard" or "no objection"."""
    if not statement.heard and statement.verdict == Verdict.UNPROVEN:
        return "not heard"
    return "no objection" if statement.verdict == Verdict.OK else statement.verdict


def span(statement: Statement, t0_ns: int | None) -> str:
    """When it watched: ``−0.09 … 9 s`` after T0; a dash where that is not known."""
    if statement.from_ns is None or statement.until_ns is None or t0_ns is None:
        return "–"
    begin, end = (_seconds(at_ns - t0_ns) for at_ns in (statement.from_ns, statement.until_ns))
    return f"{begin} s" if begin == end else f"{begin} … {end} s"


def table(certificate: Sequence[Statement], t0_ns: int | None) -> Iterator[str]:
    """A line for each statement, in columns."""
    rows = [(mark(each), each.witness, span(each, t0_ns), each.says) for each in ordered(certificate)]
    widths = [max((len(row[column]) for row in rows), default=0) for column in range(3)]
    for first, witness, watched, says in rows:
        yield f"{first:<{widths[0]}}  {witness:<{widths[1]}}  {watched:<{widths[2]}}  {says}"


def in_short(certificates: Sequence[Sequence[Statement]]) -> str:
    """A run's certificates in one line; empty if it has none, as runs of earlier versions."""
    statements = [statement for certificate in certificates for statement in certificate]
    if not statements:
        return ""
    names = list(dict.fromkeys(statement.witness for statement in statements))
    silent = list(dict.fromkeys(statement.witness for statement in statements if not statement.heard))
    against = list(
        dict.fromkeys(each.witness for each in statements if each.verdict != Verdict.OK and each.witness not in silent)
    )
    parts = [f"{len(names)} witnesses"]
    parts += [f"not heard: {', '.join(silent)}"] if silent else ["all heard"]
    parts += [f"objecting: {', '.join(against)}"] if against else ["none objects"] * (not silent)
    return "; ".join(parts)


def _seconds(ns: int) -> str:
    text = f"{ns / NS_PER_S:.3f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text.replace("-", "−")
