"""What is known of one interface since its watch began, and in words how two states of it differ. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from plctl.agent.watch import rtnl_messages as rtnl
from plctl.agent.watch.rtnl_messages import Counters, InterfaceState, QdiscState

_WRAP = 2**32  # drops of disciplines are counted in 32 bits

Side = Literal["ingress", "egress"]
Key = tuple[int, int]  #: of a discipline on its interface: parent and handle


@dataclass(slots=True)
class Interface:
    """An interface that is watched, by the name that it had at the beginning."""

    name: str
    state: InterfaceState | None = None  #: None: it is not here
    first: InterfaceState | None = None  #: as it was at the beginning
    carrier_changes: int = 0  #: since then
    qdiscs: dict[Key, QdiscState] = field(default_factory=dict)
    _drops_before: dict[Key, int] = field(default_factory=dict)
    _dropped: dict[Side, int] = field(default_factory=dict)  #: by disciplines that are gone
    _filtered: set[Side] = field(default_factory=set)  #: sides of clsact that had a filter

    def begin(self) -> None:
        """How it is now is how it was at the beginning."""
        self.first = self.state
        self._drops_before = {key: qdisc.drops for key, qdisc in self.qdiscs.items()}

    @property
    def same(self) -> bool:
        """Whether it is here, and no other than at the beginning."""
        return self.state is not None and self.first is not None and self.state.ifindex == self.first.ifindex

    @property
    def counted(self) -> Counters:
        """What was counted since the beginning; nothing of an interface that is gone, or has come only since."""
        if self.state is None or self.first is None or not self.same:
            return Counters()
        return Counters(*(now - then for then, now in zip(self.first.counters, self.state.counters, strict=True)))

    def drops(self, side: Side) -> int:
        """Frames that tc dropped since the beginning: as they came in (`ingress`), or before they left (`egress`)."""
        standing = sum(self._new_drops(each) for each in self.qdiscs.values() if self._side(each) == side)
        return self._dropped.get(side, 0) + standing

    def turn_into(self, state: InterfaceState) -> list[str]:
        """It is as `state` says; what is not as it was, in words that follow its name."""
        before, self.state = self.state, state
        if before is None:
            return [f"was made anew, with index {state.ifindex}"]
        changes = list(differences(before, state))
        if before.carrier_changes >= 0:
            self.carrier_changes += (state.carrier_changes - before.carrier_changes) % _WRAP
        elif before.has_carrier != state.has_carrier:
            self.carrier_changes += 1
        return changes

    def lose(self) -> None:
        """It is gone, with its disciplines."""
        self.state = None
        for qdisc in list(self.qdiscs.values()):
            self.lose_qdisc(qdisc)

    def lose_qdisc(self, last: QdiscState) -> None:
        """A discipline is gone; `last` has what it counted."""
        if side := self._side(last):
            self._dropped[side] = self._dropped.get(side, 0) + self._new_drops(last)
        key = (last.parent, last.handle)
        del self.qdiscs[key]
        self._drops_before.pop(key, None)

    def note_filter(self, parent: int) -> str:
        """There is, or was, a filter; where that is, in words."""
        side: Side | None = _FILTER_SIDES.get(parent)
        if side is None:
            return "qdisc"
        self._filtered.add(side)
        return side

    def _side(self, qdisc: QdiscState) -> Side | None:
        """Where a discipline drops; None: inside another, which counts its drops, too.

        clsact has one count for both sides: it is of outgoing frames if only those were ever filtered.
        """
        if qdisc.parent == rtnl.ROOT:
            return "egress"
        if qdisc.parent == rtnl.HOOKS:
            return "egress" if self._filtered == {"egress"} else "ingress"
        return None

    def _new_drops(self, qdisc: QdiscState) -> int:
        return (qdisc.drops - self._drops_before.get((qdisc.parent, qdisc.handle), 0)) % _WRAP


#: How the words begin for an interface that lost its XDP program.
NO_PROGRAM = "has no XDP program"
_FILTER_SIDES: dict[int, Side] = {
    rtnl.AT_INGRESS: "ingress",
    rtnl.AT_INGRESS_ALONE: "ingress",
    rtnl.AT_EGRESS: "egress",
}


def differences(before: InterfaceState, after: InterfaceState) -> Iterator[str]:
    """What of an interface is not as it was, in words that follow its name."""
    if after.name != before.name:
        yield f"was renamed to {after.name}"
    if after.is_up != before.is_up:
        yield "came up" if after.is_up else "went down"
    if after.has_carrier != before.has_carrier:
        yield "got its carrier back" if after.has_carrier else "lost its carrier"
    elif after.carrier_changes > before.carrier_changes >= 0:
        yield "lost its carrier and got it back" if after.has_carrier else "got its carrier back and lost it"
    if after.mtu != before.mtu:
        yield f"has MTU {after.mtu} instead of {before.mtu}"
    if after.mac != before.mac:
        yield f"has MAC address {after.mac} instead of {before.mac}"
    if after.has_arp != before.has_arp:
        yield f"had ARP switched {'on' if after.has_arp else 'off'}"
    if _has_other_program(before.xdp, after.xdp):
        was = "the forwarder's" if before.xdp is None else before.xdp or "none"
        yield f"has {after.xdp} instead of {was}" if after.xdp else f"{NO_PROGRAM} instead of {was}"
    if after.master != before.master:
        yield f"was put under interface {after.master}" if after.master else f"left interface {before.master}"


def _has_other_program(before: str | None, after: str | None) -> bool:
    """Whichever there is where one had to be is taken for that."""
    return not after if before is None else after != before
