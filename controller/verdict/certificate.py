"""Judges a link: every witness is heard, the verdict is the worst that one of them supports, `ok` if none objects.

A witness is a pure function from facts to statements: its objections, or, if it has none, one statement of what it saw.
`WITNESSES` is the table of all. What a witness looks at is in its own module (witness_….py). One that nobody asked, or
that could not see, says so with `unheard`, and the link is at best `unproven`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from plctl.common.plan.run_plan import Budget
from plctl.controller.verdict.link_facts import LinkFacts
from plctl.controller.verdict.verdict import Judgement, Statement, Verdict
from plctl.controller.verdict.witness_ends import hear_books, hear_interfaces
from plctl.controller.verdict.witness_start import hear_agent, hear_clock, hear_start
from plctl.controller.verdict.witness_traffic import (
    hear_lateness,
    hear_limits,
    hear_losses,
    hear_packet_log,
    hear_traffic,
)
from plctl.controller.verdict.witness_worker import hear_worker
from plctl.controller.verdict.witness_workloads import hear_workloads

Witness = Callable[[LinkFacts, Budget], Iterable[Statement]]

#: All witnesses. Of two that support the same verdict, the first one's words are the cause.
WITNESSES: tuple[Witness, ...] = (
    hear_agent,
    hear_interfaces,
    hear_workloads,
    hear_losses,
    hear_books,
    hear_clock,
    hear_start,
    hear_lateness,
    hear_worker,
    hear_packet_log,
    hear_traffic,
    hear_limits,
)

#: What no certificate can see, for whoever reads one.
UNSEEN = (
    "Whether a program was given the CPU time that it needed: one that was kept waiting sends less, or later, and the"
    " link carries truly what it was given.",
    "What happened to a packet outside the link: in a program, in its socket, or in the TCP/IP stack of either end.",
    "What an eBPF program took as it came out of the link, if a bpf link had put it there and it was gone before the"
    " end; and what nftables took there.",
    "The contents of frames: they are counted and timed, not compared.",
    "An error of a host's monotonic clock: every delay and rate is by that clock; between hosts, errors of up to 500"
    " ppm each are allowed for.",
    "A pause of the whole machine and its clock, as when a virtual machine is frozen: by that clock it never was.",
    "Whoever has root on a host and means to deceive.",
)


def judge(facts: LinkFacts, budget: Budget) -> Judgement:
    """The strongest verdict that a witness supports, with the certificate that it rests on."""
    certificate = tuple(_hear(facts, budget))
    told = sorted((s for s in certificate if _is_told(s, facts)), key=lambda statement: Verdict(statement.verdict).rank)
    if not told or told[0].verdict == Verdict.OK:
        return Judgement(Verdict.OK, also=tuple(s.says for s in told), certificate=certificate)
    worst, *weaker = told
    return Judgement(Verdict(worst.verdict), worst.says, tuple(s.says for s in weaker), certificate)


def _hear(facts: LinkFacts, budget: Budget) -> Iterator[Statement]:
    """What all witnesses say. On a simulated host there was nothing to see, which is worse than not having looked."""
    for hear in WITNESSES:
        for statement in hear(facts, budget):
            unseen = not statement.heard and facts.simulated
            yield replace(statement, verdict=Verdict.SIMULATED) if unseen else statement


def _is_told(statement: Statement, facts: LinkFacts) -> bool:
    """Whether a statement is worth a line beside the verdict. What a silent or simulated host did not say is not."""
    silent = not statement.heard and statement.verdict in (Verdict.UNPROVEN, Verdict.SIMULATED)
    if silent and (facts.simulated or not facts.reported):
        return False
    return statement.remark or statement.verdict != Verdict.OK
