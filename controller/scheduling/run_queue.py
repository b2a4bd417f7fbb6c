"""The runs that wait for hosts, first in, first out: a run begins once it is the first in line at each of its hosts.

Runs that share no host do not wait for each other.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from plctl.common.protocol.requests import Assignment
from plctl.controller.scheduling.occupancy import Occupancy
from plctl.controller.scheduling.placement import Need


class RunQueue:
    """Who waits, and what for."""

    def __init__(self) -> None:
        self._lines: dict[str, deque[str]] = {}  #: the runs that wait for each host, the first in front
        self._hosts: dict[str, tuple[str, ...]] = {}  #: by run
        self._promised = Occupancy()  #: what they will take

    def __contains__(self, run: str) -> bool:
        return run in self._hosts

    def add(self, run: str, assignments: Iterable[Assignment]) -> None:
        """`run` waits for the room that `assignments` ask for, behind whoever waits already."""
        assignments = tuple(assignments)
        self._hosts[run] = tuple(dict.fromkeys(each.host for each in assignments))
        self._promised.add(run, assignments)
        for host in self._hosts[run]:
            self._lines.setdefault(host, deque()).append(run)

    def remove(self, run: str) -> None:
        """`run` waits no longer; nothing happens if it did not."""
        for host in self._hosts.pop(run, ()):
            self._lines[host].remove(run)
        self._promised.remove(run)

    def needs(self, run: str) -> dict[str, Need]:
        """What `run`, which waits, needs of each host."""
        return {host: self._promised.need(run, host) for host in self._hosts[run]}

    def promised(self, host: str) -> Need:
        """What all runs that wait will take of `host`."""
        return self._promised.taken(host)

    def before(self, run: str) -> tuple[str, ...]:
        """The runs that wait for a host of `run` and came before it, the first in front."""
        found: dict[str, None] = {}
        for host in self._hosts.get(run, ()):
            for other in self._lines[host]:
                if other == run:
                    break
                found[other] = None
        return tuple(name for name in self._hosts if name in found)  # in the order of coming

    def is_first(self, run: str) -> bool:
        """Whether nobody waits before it at any of its hosts."""
        return all(self._lines[host][0] == run for host in self._hosts[run])
