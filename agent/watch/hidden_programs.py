"""Finds eBPF programs that bpf links hang on the hooks of tc (tcx): the kernel tells nobody of them, one has to ask."""

from __future__ import annotations

import errno
import socket
from collections.abc import Iterator, Mapping

from plctl.agent.kernel.namespace import enter_that_of, run_in_thread
from plctl.agent.native import _core
from plctl.agent.watch.namespace_view import EndChange
from plctl.common.base.errors import KernelError

_SIDES = ("ingress", "egress")


class HiddenPrograms:
    """How many there are at the interfaces of one namespace."""

    def __init__(self, inside: socket.socket) -> None:
        """None, until `compare` finds some. `inside`: any socket of the namespace."""
        self._inside = inside
        self._known: dict[str, tuple[int, int]] = {}

    def compare(self, indexes: Mapping[str, int]) -> list[EndChange]:
        """What changed since the last time, of interfaces by name and index.

        :raises KernelError: the kernel refuses.
        """
        return list(self._changes(run_in_thread(lambda: self._count(indexes))))

    def _count(self, indexes: Mapping[str, int]) -> dict[str, tuple[int, int]]:
        enter_that_of(self._inside)
        found = {}
        for name, index in indexes.items():
            try:
                found[name] = _core.tc_programs(index)
            except OSError as error:
                if error.errno != errno.ENODEV:  # else it is just being removed: that is told, too
                    raise KernelError.from_os(f"ask for the eBPF programs at {name}", error) from error
        return found

    def _changes(self, counts: Mapping[str, tuple[int, int]]) -> Iterator[EndChange]:
        for name, now in counts.items():
            for side, count, known in zip(_SIDES, now, self._known.get(name, (0, 0)), strict=True):
                if count != known:
                    found_to = "have" if count > known else "have lost"
                    yield EndChange(name, f"was found to {found_to} an eBPF program of a bpf link at its {side}")
            self._known[name] = now
