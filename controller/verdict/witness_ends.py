"""Witnesses of the four ends of a link: what became of the interfaces, and whether every frame is somewhere."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from plctl.common.base.units import NS_PER_MS, format_duration
from plctl.common.plan.run_plan import Budget
from plctl.common.scenario.schedule import Direction
from plctl.common.telemetry.witness import EndBooks, InterfaceChange, InterfaceWatch, Passage
from plctl.controller.verdict.link_facts import LinkFacts
from plctl.controller.verdict.statements import frames, unheard
from plctl.controller.verdict.verdict import Statement, Verdict

#: The interfaces that frames of a direction pass, in order; the first and the last are the applications'.
WAYS: dict[Direction, tuple[str, str, str, str]] = {
    "up": ("veth1", "sim-veth1", "sim-veth2", "veth2"),
    "down": ("veth2", "sim-veth2", "sim-veth1", "veth1"),
}
_OUTER = ("veth1", "veth2")
_CHANGES_TOLD = 4
_LAST_WORDS_NS = 100 * NS_PER_MS


def hear_interfaces(facts: LinkFacts, budget: Budget) -> Iterator[Statement]:
    """What the kernel told of the interfaces while the link ran.

    What somebody does with an outer end before T0 is a part of the run's set-up, and not an objection, unless frames
    are then no longer such as a wire would carry: without checksums, or many in one.
    """
    del budget
    watch = facts.interfaces
    if watch is None:
        yield unheard("interfaces", "nobody told what became of the link's interfaces")
        return
    gone = [change for change in watch.changes if change.gone or _goes_on_to_be_gone(change, watch)]
    given = [change for change in watch.changes if change not in gone and _is_given(change, facts)]
    others = [change for change in watch.changes if change not in gone and change not in given]
    if lost := _lost(watch, gone, facts):
        yield _say("interfaces", watch, lost, Verdict.FAILED)
    if others:
        yield _say("interfaces", watch, _list(others, facts, watch.more_changes), Verdict.UNPROVEN)
    if watch.missed_events:
        says = f"the kernel had no room for messages about interfaces, {watch.missed_events} times"
        yield Statement("interfaces", False, watch.from_ns, watch.until_ns, says, Verdict.UNPROVEN)
    if given:
        yield _say("interfaces", watch, _list(given, facts), remark=True)
    elif not (lost or others or watch.missed_events):
        yield _say("interfaces", watch, f"nothing changed at {_names(each.interface for each in watch.ends)}")


def hear_books(facts: LinkFacts, budget: Budget) -> Iterator[Statement]:
    """Whether what the kernel counted at the ends is what the forwarder counted inside: every frame is somewhere."""
    del budget
    watch = facts.interfaces
    if watch is None:
        yield unheard("books", "nobody compared the kernel's counters with the forwarder's")
        return
    ends = {each.interface: each for each in watch.ends}
    told = [statement for each in watch.passages for statement in _tell(each, watch, ends)]
    yield from told
    for direction in WAYS:
        if direction not in {each.direction for each in watch.passages}:
            says = f"frames {direction} could not be counted in the end: {_why_not_counted(watch)}"
            yield Statement("books", False, watch.from_ns, watch.until_ns, says, Verdict.UNPROVEN)
    if watch.passages and all(statement.verdict == Verdict.OK for statement in told):
        counted = "; a super-frame counts as one" * facts.super_frames
        yield _say("books", watch, "; ".join(map(_balance, watch.passages)) + counted)


def _tell(passage: Passage, watch: InterfaceWatch, ends: dict[str, EndBooks]) -> Iterator[Statement]:
    """What does not add up in one direction, or should be known all the same."""
    direction = passage.direction
    source, entry, exit_, sink = WAYS[direction]
    refused = passage.refused_packets
    if refused > 0 and _may_be_of_an_exchange(source, watch, ends):
        says = (
            f"{frames(refused)} {direction} were refused on leaving {source}, while its qdisc was exchanged or besides"
        )
        yield _say("books", watch, says, Verdict.UNPROVEN)
        refused = 0
    certain = (
        (refused, f"on leaving {source}: {entry} was down or overrun, or made for shorter frames"),
        (_drops(ends, sink), f"to tc at the ingress of {sink}"),
    )
    missing = (
        (passage.missing_in, f"between {source} and the forwarder at {entry}"),
        (passage.missing_out, f"between the forwarder at {exit_} and {sink}"),
    )
    for count, what in (*certain, *(missing if watch.settled else ())):
        if count > 0:
            says = f"the machine, not the scenario, lost {frames(count)} {direction} {what}"
            yield _say("books", watch, says, Verdict.OVERLOADED)
    if not watch.settled and (passage.missing_in or passage.missing_out):
        says = f"frames {direction} were still passing when they were counted: some may be missing"
        yield Statement("books", False, watch.from_ns, watch.until_ns, says, Verdict.UNPROVEN)
        return
    strange = (
        (-passage.missing_in, f"came to the forwarder that {source} did not send"),
        (-passage.missing_out, f"came to {sink} that the forwarder did not send"),
    )
    for count, what in strange:
        if count > 0:
            yield _say("books", watch, f"{frames(count)} {direction} {what}", Verdict.UNPROVEN)
    if dropped := ends[source].egress_drops if source in ends else 0:
        yield _say("books", watch, f"tc dropped {frames(dropped)} {direction} before they left {source}", remark=True)


def _may_be_of_an_exchange(source: str, watch: InterfaceWatch, ends: dict[str, EndBooks]) -> bool:
    """While an end's discipline is exchanged the kernel refuses frames, and counts them as if its twin had."""
    exchanged = any(change.interface == source and " qdisc " in change.what for change in watch.changes)
    return exchanged and source in ends and not ends[source].carrier_changes


def _drops(ends: dict[str, EndBooks], sink: str) -> int:
    return ends[sink].ingress_drops if sink in ends else 0


def _balance(passage: Passage) -> str:
    source, *_, sink = WAYS[passage.direction]
    missed = f", {passage.lost_ring} of them known to be missed" if passage.lost_ring else ""
    return (
        f"{passage.direction}, {source} sent {frames(passage.sent_packets)}, which all came to the forwarder{missed};"
        f" of {frames(passage.delivered_packets)} that it delivered all came to {sink}"
    )


def _lost(watch: InterfaceWatch, gone: list[InterfaceChange], facts: LinkFacts) -> str:
    """Which interfaces the link lost, in a sentence; empty: none."""
    told = {change.interface for change in gone}
    untold = [
        each.interface for each in watch.ends if not (each.present and each.same_index) and each.interface not in told
    ]
    sentences = [_list([change for change in gone if change.gone], facts)] if gone else []
    if untold:
        sentences.append(f"in the end {_names(untold)} {'was' if len(untold) == 1 else 'were'} not there any more")
    return "; ".join(sentences)


def _goes_on_to_be_gone(change: InterfaceChange, watch: InterfaceWatch) -> bool:
    """An interface that is deleted goes down first, which is not worth telling."""
    return any(
        later.gone and later.interface == change.interface and 0 <= later.at_ns - change.at_ns <= _LAST_WORDS_NS
        for later in watch.changes
    )


def _why_not_counted(watch: InterfaceWatch) -> str:
    gone = any(not (each.present and each.same_index) for each in watch.ends)
    return "an interface is gone, and its counters with it" if gone else "the kernel or the forwarder refused"


def _is_given(change: InterfaceChange, facts: LinkFacts) -> bool:
    early = facts.t0_ns is None or change.at_ns < facts.t0_ns
    return early and change.interface in _OUTER and not change.falsifies


def _list(changes: list[InterfaceChange], facts: LinkFacts, more: int = 0) -> str:
    """The first of `changes`, each with its moment."""
    more += len(changes) - len(changes[:_CHANGES_TOLD])
    told = [f"{change.interface} {change.what}{_when(change, facts)}" for change in changes[:_CHANGES_TOLD]]
    return "; ".join(told) + (f"; and {more} more changes" if more else "")


def _when(change: InterfaceChange, facts: LinkFacts) -> str:
    if facts.t0_ns is None:
        return ""
    off_ns = change.at_ns - facts.t0_ns
    return f" {format_duration(abs(off_ns))} {'after' if off_ns >= 0 else 'before'} T0"


def _say(
    witness: str, watch: InterfaceWatch, says: str, verdict: Verdict = Verdict.OK, *, remark: bool = False
) -> Statement:
    return Statement(witness, True, watch.from_ns, watch.until_ns, says, verdict, remark)


def _names(names: Iterable[str]) -> str:
    *most, last = names
    return f"{', '.join(most)} and {last}" if most else last
