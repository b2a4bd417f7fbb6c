"""Listens inside one namespace to what the kernel tells of its interfaces, and asks for what they are and counted."""

from __future__ import annotations

import contextlib
import errno
import os
import select
import socket
from collections.abc import Mapping
from pathlib import Path

from plctl.agent.kernel.namespace import NETNS_DIR
from plctl.agent.kernel.offload import active_falsifying_features
from plctl.agent.watch import rtnl_messages as rtnl
from plctl.agent.watch.hidden_programs import HiddenPrograms
from plctl.agent.watch.namespace_view import EndChange, NamespaceView
from plctl.agent.watch.rtnl_messages import InterfaceState
from plctl.common.base.errors import KernelError

_SOL_NETLINK, _ADD_MEMBERSHIP = 270, 1  # linux/netlink.h
_GROUPS = (1, 4)  # RTNLGRP_LINK, RTNLGRP_TC of linux/rtnetlink.h
_RECEIVE_BYTES = 65_536
_RECEIVES_MAX = 100  # in a row, so that one namespace cannot keep the others waiting
_PATIENCE_MS = 10_000
_LISTINGS_MAX = 10  # that a change interrupts, one after the other


class NamespaceWatch:
    """Some interfaces in the namespace called `netns`. Used by one thread at a time."""

    def __init__(
        self,
        netns: str,
        interfaces: Mapping[str, InterfaceState | None],
        inside: socket.socket,
        *,
        super_frames: bool = False,
    ) -> None:
        """Begin to listen: what is told, and what is found later, is compared with how it is now.

        :param super_frames: the interfaces may make super-frames.
        :param interfaces: by name, as they were made a moment ago; None: they may be anyhow.
        :param inside: a route netlink socket of that namespace, to be used and closed.
        :raises KernelError: the kernel refuses.
        """
        self.netns = netns
        self.view = NamespaceView(interfaces)
        self.missed = 0  #: times that the kernel had to drop messages
        self._super_frames = super_frames
        self._features: dict[str, set[str]] = {}
        self._inode = _inode_of(netns)
        self._socket = inside
        self._hidden = HiddenPrograms(inside)
        try:
            self._join()
            if not all(interfaces.values()):
                self._list(rtnl.GET_LINK)
                self._list(rtnl.GET_QDISC)
                self._compare_hidden()
        except BaseException:
            self.close()
            raise
        self.view.begin()

    def fileno(self) -> int:
        """The descriptor that is readable when there is something to `hear`."""
        return self._socket.fileno()

    def hear(self) -> list[EndChange]:
        """What was told since the last time, or the older part of it: then the descriptor stays readable.

        :raises KernelError: the kernel refuses.
        """
        changes: list[EndChange] = []
        missed = self.missed
        with contextlib.suppress(BlockingIOError):
            for _ in range(_RECEIVES_MAX):
                for kind, _, _, body in rtnl.messages(self._receive()):
                    changes += self.view.take(kind, body)
        if missed != self.missed:
            changes += self.look()
        changes += self._compare_features(self.view.other_features)
        return changes

    def look(self) -> list[EndChange]:
        """Ask for everything: counters are those of now, and what changed untold shows.

        :raises KernelError: the kernel refuses, or does not answer.
        """
        changes = [*self._list(rtnl.GET_LINK), *self._list(rtnl.GET_QDISC)]
        return [*changes, *self._compare_features(set(self.view.interfaces)), *self._compare_hidden()]

    def count(self) -> list[EndChange]:
        """As `look`, but only at the interfaces and their counters."""
        return self._list(rtnl.GET_LINK)

    @property
    def is_named(self) -> bool:
        """Whether the namespace still is what its name says."""
        return _inode_of(self.netns) == self._inode

    def close(self) -> None:
        """Listen no more. Twice is harmless."""
        self._socket.close()

    def _join(self) -> None:
        try:
            self._socket.setblocking(False)
            self._socket.bind((0, 0))
            for group in _GROUPS:
                self._socket.setsockopt(_SOL_NETLINK, _ADD_MEMBERSHIP, group)
        except OSError as error:
            raise KernelError.from_os(f"listen to the interfaces in {self.netns}", error) from error

    def _receive(self) -> bytes:
        """The next messages; nothing if the kernel had to drop some.

        :raises BlockingIOError: there are none.
        """
        try:
            return self._socket.recv(_RECEIVE_BYTES)
        except OSError as error:
            if error.errno != errno.ENOBUFS:
                raise
            self.missed += 1
            return b""

    def _list(self, listing: int) -> list[EndChange]:
        """Go through one listing, and through it again while changes interrupt it."""
        changes: list[EndChange] = []
        for attempt in range(_LISTINGS_MAX):
            self.view.list_begins(listing)
            whole, found = self._answer(rtnl.dump_request(listing, attempt + 1), attempt + 1)
            changes += found
            if whole:
                return changes + self.view.list_ends()
        raise KernelError(f"cannot list the interfaces in {self.netns}: they change all the time")

    def _answer(self, request: bytes, sequence: int) -> tuple[bool, list[EndChange]]:
        """Send `request`; whether its answer is of one moment, and what changed by it."""
        changes: list[EndChange] = []
        whole = True
        try:
            self._socket.send(request)
            while True:
                for kind, flags, number, body in rtnl.messages(self._await()):
                    if number == sequence:
                        whole &= not flags & rtnl.DUMP_INTERRUPTED
                        if kind == rtnl.DONE:
                            return whole, changes
                        if kind == rtnl.ERROR:
                            code = rtnl.parse_error(body)
                            raise OSError(code, os.strerror(code))
                    changes += self.view.take(kind, body)
        except OSError as error:
            raise KernelError.from_os(f"list the interfaces in {self.netns}", error) from error

    def _await(self) -> bytes:
        poll = select.poll()
        poll.register(self._socket, select.POLLIN)
        if not poll.poll(_PATIENCE_MS):
            raise TimeoutError(errno.ETIMEDOUT, os.strerror(errno.ETIMEDOUT))
        return self._receive()

    def _compare_hidden(self) -> list[EndChange]:
        return self._hidden.compare({
            name: each.state.ifindex for name, each in self.view.interfaces.items() if each.state
        })  # fmt: skip

    def _compare_features(self, names: set[str]) -> list[EndChange]:
        """What changed of the features that falsify, of interfaces that are there by their name."""
        changes: list[EndChange] = []
        for name in sorted(names):
            state = self.view.interfaces[name].state
            if state is None:
                continue
            with contextlib.suppress(KernelError):  # it is just being removed: that is told, too
                now = active_falsifying_features(self._socket, state.name, super_frames=self._super_frames)
                before = self._features.get(name, set())  # they were off: without that no link is built
                changes += [EndChange(name, f"had {each} switched on", falsifies=True) for each in sorted(now - before)]
                changes += [EndChange(name, f"had {each} switched off") for each in sorted(before - now)]
                self._features[name] = now
        self.view.other_features.clear()
        return changes


def _inode_of(netns: str) -> int:
    """Of what is mounted on a name; 0: nothing."""
    try:
        return Path(NETNS_DIR / netns).stat().st_ino
    except OSError:
        return 0
