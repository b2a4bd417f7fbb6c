"""Watches the four ends of one link, in its three namespaces, and gathers what changed there."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Callable, Iterable
from dataclasses import astuple, replace

from plctl.agent.kernel.link_names import CLIENT, SERVER, LinkNamespaces, Outer
from plctl.agent.kernel.namespace import enter, run_in_thread
from plctl.agent.watch.interface import NO_PROGRAM, Interface
from plctl.agent.watch.namespace_view import EndChange
from plctl.agent.watch.namespace_watch import NamespaceWatch
from plctl.agent.watch.rtnl_messages import InterfaceState
from plctl.common.base.errors import KernelError
from plctl.common.plan.run_plan import LinkPlan
from plctl.common.telemetry.witness import EndBooks, InterfaceChange, InterfaceWatch, Passage

#: Changes that are told and kept of one link; the rest is counted, and the last of each interface kept.
CHANGES_MAX = 64


class LinkWatch:
    """The ends of a link. Used by one thread at a time; `tell` is called in that one."""

    def __init__(
        self, namespaces: LinkNamespaces, tell: Callable[[InterfaceChange], None], built: LinkPlan | None, *, xdp: bool
    ) -> None:
        """Begin to watch; each change is told as it is heard of.

        :param built: by what the link was just built; None: it has stood there, and may be anyhow.
        :param xdp: whether its inner ends have the forwarder's XDP programs, if it was just built.
        :raises KernelError: a namespace is missing, or the kernel refuses.
        """
        self._tell = tell
        self._changes: list[InterfaceChange] = []
        self._more = 0
        self._latest: dict[str, InterfaceChange] = {}  # by interface, of those that are only counted
        self.places: list[NamespaceWatch] = []
        super_frames = built is not None and built.offload == "on"
        with contextlib.ExitStack() as stack:
            sockets = run_in_thread(lambda: _open_sockets(namespaces, stack))
            for (netns, ends), inside in zip(_places(namespaces, built, xdp=xdp), sockets, strict=True):
                self.places.append(NamespaceWatch(netns, ends, inside, super_frames=super_frames))
            stack.pop_all()
        self.from_ns = time.monotonic_ns()

    @property
    def interfaces(self) -> dict[str, Interface]:
        """All four, by name."""
        return {name: each for watch in self.places for name, each in watch.view.interfaces.items()}

    def hear(self, namespace: NamespaceWatch) -> None:
        """Take what the kernel tells in one of `places`.

        :raises KernelError: the kernel refuses.
        """
        self._note(namespace.hear())

    def look(self) -> None:
        """Compare everything with what is known; counters are those of now.

        :raises KernelError: the kernel refuses.
        """
        for each in self.places:
            self._note(each.look())
            self.check_name(each)

    def count(self) -> None:
        """Read the counters of all four ends.

        :raises KernelError: the kernel refuses.
        """
        for each in self.places:
            self._note(each.count())

    def check_name(self, namespace: NamespaceWatch) -> None:
        """See whether one of `places` still is what its name says; what is not is told once."""
        what = f"is in a namespace that lost its name, {namespace.netns}"
        if not namespace.is_named and not any(change.what == what for change in self._changes):
            self._note(EndChange(name, what) for name in namespace.view.interfaces)

    def result(
        self, passages: tuple[Passage, ...], *, settled: bool, dead_since_ns: int | None = None
    ) -> InterfaceWatch:
        """What was seen up to now, and what the comparison of counters gave.

        :param dead_since_ns: when the forwarder died, whose XDP programs the kernel then takes away: no news.
        """
        changes = (*self._changes, *self._latest.values())
        return InterfaceWatch(
            from_ns=self.from_ns,
            until_ns=time.monotonic_ns(),
            changes=tuple(each for each in changes if not _is_of_death(each, dead_since_ns)),
            more_changes=self._more,
            ends=tuple(map(_books, self.interfaces.values())),
            passages=passages,
            settled=settled,
            missed_events=sum(each.missed for each in self.places),
        )

    def close(self) -> None:
        """Watch no more. Twice is harmless."""
        for each in self.places:
            each.close()

    def _note(self, changes: Iterable[EndChange]) -> None:
        """Keep and tell `changes`, unless there are too many of them; that an interface is gone, once, in any case."""
        for each in changes:
            change = InterfaceChange(
                time.monotonic_ns(), each.interface, each.what, gone=each.gone, falsifies=each.falsifies
            )
            known_gone = any(known.gone and known.interface == each.interface for known in self._changes)
            if len(self._changes) >= CHANGES_MAX and (not each.gone or known_gone):
                self._count(change)
                continue
            self._changes.append(change)
            self._tell(change)

    def _count(self, change: InterfaceChange) -> None:
        """Of what is not kept it is known how often it happened, when for the last time, and whether it falsified."""
        self._more += 1
        before = self._latest.get(change.interface)
        falsifies = change.falsifies or (before is not None and before.falsifies)
        self._latest[change.interface] = replace(
            change, what="changed again, for the last time", gone=False, falsifies=falsifies
        )


def _is_of_death(change: InterfaceChange, dead_since_ns: int | None) -> bool:
    return dead_since_ns is not None and change.at_ns >= dead_since_ns and change.what.startswith(NO_PROGRAM)


def _places(
    namespaces: LinkNamespaces, built: LinkPlan | None, *, xdp: bool
) -> list[tuple[str, dict[str, InterfaceState | None]]]:
    """The namespaces of a link, and what is watched in each: as it was made by the plan `built`, or not known."""

    def outer(end: Outer) -> InterfaceState | None:
        if built is None:
            return None
        return InterfaceState.in_use(end.index, end.interface, built.mtu, end.mac)

    def twin(end: Outer) -> InterfaceState | None:
        if built is None:
            return None
        return InterfaceState.in_use(end.twin_index, end.twin, built.mtu, end.twin_mac, xdp=xdp)

    return [
        (namespaces.client, {CLIENT.interface: outer(CLIENT)}),
        (namespaces.link, {CLIENT.twin: twin(CLIENT), SERVER.twin: twin(SERVER)}),
        (namespaces.server, {SERVER.interface: outer(SERVER)}),
    ]


def _open_sockets(namespaces: LinkNamespaces, stack: contextlib.ExitStack) -> list[socket.socket]:
    """A netlink socket in each of the namespaces, which `stack` will close. Spoils the thread for other work."""
    sockets = []
    for netns in astuple(namespaces):
        enter(netns)
        try:
            sockets.append(stack.enter_context(socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE)))
        except OSError as error:
            raise KernelError.from_os(f"open a netlink socket in {netns}", error) from error
    return sockets


def _books(each: Interface) -> EndBooks:
    state, counted = each.state, each.counted
    return EndBooks(
        interface=each.name,
        **counted._asdict(),
        carrier_changes=each.carrier_changes,
        present=state is not None,
        same_index=each.same,
        qdisc=", ".join(qdisc.kind for qdisc in each.qdiscs.values()),
        xdp=(state.xdp or "") if state else "",
        ingress_drops=each.drops("ingress"),
        egress_drops=each.drops("egress"),
    )
