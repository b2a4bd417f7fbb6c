"""What the runs that are not over have taken of each host, kept so that asking costs nothing however many links run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from plctl.common.protocol.requests import Assignment
from plctl.controller.scheduling.placement import Need

_NOTHING = Need()


class Occupancy:
    """The assignments of runs, summed up by host."""

    def __init__(self) -> None:
        self._links: dict[str, Counter[str]] = {}  #: by host, of each run
        self._needs: dict[str, dict[str, Need]] = {}  #: by run, on each host
        self._taken: dict[str, Need] = {}  #: by host, of all runs

    def __contains__(self, run: str) -> bool:
        return run in self._needs

    def add(self, run: str, assignments: Iterable[Assignment]) -> None:
        """`run` has taken what `assignments` say, in place of whatever it had."""
        self.remove(run)
        needs = self._needs[run] = {}
        for each in assignments:
            self._links.setdefault(each.host, Counter())[run] += 1
            needs[each.host] = needs.get(each.host, Need()) + Need(each.memory_bytes, each.packets_per_s)
        self._sum_up(needs)

    def remove(self, run: str) -> None:
        """`run` is over; nothing happens if it was not known."""
        needs = self._needs.pop(run, {})
        for host in needs:
            del self._links[host][run]
        self._sum_up(needs)

    def links_on(self, host: str) -> dict[str, int]:
        """How many links each run has on `host`."""
        return dict(self._links.get(host, {}))

    def taken(self, host: str) -> Need:
        """What the links of all runs need on `host`."""
        return self._taken.get(host, _NOTHING)

    def need(self, run: str, host: str) -> Need:
        """What the links of `run` need on `host`."""
        return self._needs.get(run, {}).get(host, _NOTHING)

    def _sum_up(self, hosts: Iterable[str]) -> None:
        for host in hosts:
            self._taken[host] = sum((self._needs[run][host] for run in self._links[host]), Need())
