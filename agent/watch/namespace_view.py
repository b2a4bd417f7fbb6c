"""What is known of a link's interfaces in one namespace, and what each message of the kernel changes about that. Pure.

The view begins with what is known of interfaces that were just made, or with a listing of everything. From then on each
message may change it. Listings come again at the end, and when the kernel had to drop messages: what they show is
compared with what was known.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from plctl.agent.watch import rtnl_messages as rtnl
from plctl.agent.watch.interface import Interface, Key
from plctl.agent.watch.rtnl_messages import InterfaceState

_BUILT_IN = ("noqueue", "noop")  # what an interface has that was given no discipline


class EndChange(NamedTuple):
    """Something that is no longer as it was."""

    interface: str
    what: str  #: in words, to follow the interface's name
    gone: bool = False  #: the interface carries frames no more
    falsifies: bool = False  #: from now on it may hand over frames that no wire would carry


class NamespaceView:
    """Some interfaces of one namespace."""

    def __init__(self, interfaces: Mapping[str, InterfaceState | None]) -> None:
        """`interfaces`: by name, as they are, or None where that is to be learned from a listing."""
        self.interfaces = {name: Interface(name, state) for name, state in interfaces.items()}
        self.other_features: set[str] = set()  #: interfaces of which the kernel said that their features changed
        self._tops: dict[int, EndChange] = {}  # by index: interfaces that stand on ours, and what was told of each
        self._begun = False
        self._listing = 0  # what is being listed: GET_LINK, GET_QDISC or 0
        self._listed: set[int | tuple[int, Key]] = set()

    def begin(self) -> None:
        """How everything is now is how it was at the beginning."""
        self._begun = True
        for each in self.interfaces.values():
            each.begin()

    def take(self, kind: int, body: bytes) -> list[EndChange]:
        """Learn from a message of type `kind` (rtnl.NEW_LINK and so on; others say nothing); what it changes."""
        taker = _TAKERS.get(kind)
        changes = list(taker(self, body)) if taker else []
        return changes if self._begun else []

    def list_begins(self, listing: int) -> None:
        """All interfaces (`GET_LINK`) or disciplines (`GET_QDISC`) are told of now, up to `list_ends`."""
        self._listing = listing
        self._listed.clear()

    def list_ends(self) -> list[EndChange]:
        """What was not listed is not there any more."""
        missing = self._missing_links() if self._listing == rtnl.GET_LINK else self._missing_qdiscs()
        changes = list(missing)
        self._listing = 0
        return changes if self._begun else []

    # --- interfaces

    def _take_link(self, body: bytes) -> Iterator[EndChange]:
        state = rtnl.parse_link(body)
        if state is None:
            return
        self._listed.add(state.ifindex)
        each = self._find(state.ifindex)
        if each is None and (each := self.interfaces.get(state.name)) and each.state:
            each = None  # somebody else's, under a name that ours has left
        if each:
            if state.event == rtnl.FEATURES_EVENT:
                self.other_features.add(each.name)
            yield from (EndChange(each.name, what) for what in each.turn_into(state))
        elif state.ifindex not in self._tops and state.lower and (each := self._find(state.lower)):
            self._tops[state.ifindex] = EndChange(each.name, f"interface {state.name} ({state.kind}) on top of it")
            yield _turn(self._tops[state.ifindex], "was given")

    def _take_lost_link(self, body: bytes) -> Iterator[EndChange]:
        state = rtnl.parse_link(body)
        if state and (each := self._find(state.ifindex)):
            each.lose()
            yield EndChange(each.name, "was moved to another namespace" if state.moved else "was deleted", gone=True)
        elif state and state.ifindex in self._tops:
            yield _turn(self._tops.pop(state.ifindex), "lost")

    def _missing_links(self) -> Iterator[EndChange]:
        for each in self.interfaces.values():
            if each.state and each.state.ifindex not in self._listed:
                each.lose()
                yield EndChange(each.name, "was deleted", gone=True)
        for index in self._tops.keys() - self._listed:
            yield _turn(self._tops.pop(index), "lost")

    def _find(self, index: int) -> Interface | None:
        return next((each for each in self.interfaces.values() if each.state and each.state.ifindex == index), None)

    # --- disciplines and filters

    def _take_qdisc(self, body: bytes) -> Iterator[EndChange]:
        state = rtnl.parse_qdisc(body)
        each = self._find(state.ifindex)
        if each is None or state.kind in _BUILT_IN:
            return
        key = (state.parent, state.handle)
        self._listed.add((state.ifindex, key))
        known, each.qdiscs[key] = key in each.qdiscs, state
        if not known or not self._listing:
            yield EndChange(
                each.name, f"had its qdisc {state.kind} changed" if known else f"was given qdisc {state.kind}"
            )

    def _take_lost_qdisc(self, body: bytes) -> Iterator[EndChange]:
        state = rtnl.parse_qdisc(body)
        each = self._find(state.ifindex)
        if each and (state.parent, state.handle) in each.qdiscs:
            each.lose_qdisc(state)
            yield EndChange(each.name, f"lost qdisc {state.kind}")

    def _missing_qdiscs(self) -> Iterator[EndChange]:
        for each in self.interfaces.values():
            for key, qdisc in list(each.qdiscs.items()):
                if (qdisc.ifindex, key) not in self._listed:
                    each.lose_qdisc(qdisc)
                    yield EndChange(each.name, f"lost qdisc {qdisc.kind}")

    def _take_filter(self, body: bytes) -> Iterator[EndChange]:
        return self._tell_filter(body, "was given")

    def _take_lost_filter(self, body: bytes) -> Iterator[EndChange]:
        return self._tell_filter(body, "lost")

    def _tell_filter(self, body: bytes, done: str) -> Iterator[EndChange]:
        state = rtnl.parse_filter(body)
        if each := self._find(state.ifindex):
            yield EndChange(each.name, f"{done} a tc filter ({state.kind}) at its {each.note_filter(state.parent)}")


def _turn(top: EndChange, done: str) -> EndChange:
    return top._replace(what=f"{done} {top.what}")


_TAKERS: dict[int, Callable[[NamespaceView, bytes], Iterator[EndChange]]] = {
    rtnl.NEW_LINK: NamespaceView._take_link,
    rtnl.DEL_LINK: NamespaceView._take_lost_link,
    rtnl.NEW_QDISC: NamespaceView._take_qdisc,
    rtnl.DEL_QDISC: NamespaceView._take_lost_qdisc,
    rtnl.NEW_FILTER: NamespaceView._take_filter,
    rtnl.DEL_FILTER: NamespaceView._take_lost_filter,
}
