"""Knows what a run that goes on waits for, and since when, from the events of its log; pure, so it needs no clock."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Mapping

from plctl.common.base.units import NS_PER_S
from plctl.common.plan.run_plan import LinkPlan, Workload, decisive_workloads
from plctl.controller.lifecycle.run_events import RunPhase

#: Who waits for less long than this need not be told.
PATIENCE_NS = 2 * NS_PER_S
#: So many of those that are waited for are named, the longest first.
_NAMED = 3
_COMMAND = 60  #: characters of a command that are shown

Pair = tuple[str, str]  #: link and workload


class Waits:
    """What one run waits for. All times are on the controller's clock."""

    def __init__(self, links: Iterable[tuple[str, LinkPlan]], duration_ns: int) -> None:
        """Of `links`, each with its host; `duration_ns` is the run's, 0 if its workloads end it."""
        links = tuple(links)
        plans = [plan for _, plan in links]
        self._workloads: dict[Pair, Workload] = {(plan.name, w.name): w for plan in plans for w in plan.workloads}
        self._hosts = {plan.name: host for host, plan in links}
        self._deciding = set() if duration_ns else decisive_workloads(plans)
        self._unready = dict(self._hosts)  #: links that are not prepared, and their hosts
        self._holding = set(self._hosts.values())  #: hosts that did not take their links away
        self._awaited: dict[Pair, tuple[str, int]] = {}  #: what early workloads promised, and since when that is due
        self._silent: dict[str, int] = {}  #: hosts, since when
        self.phase = ""  #: of the run, as its log has it
        self._since_ns = 0

    def note(self, event: str, host: str, link: str, facts: Mapping[str, object]) -> None:
        """Take in an event of the run's log; those that tell nothing of this are passed over."""
        at_ns = _integer(facts.get("t_ns"))
        pair = link, str(facts.get("workload", ""))
        kind, _, what = event.partition(".")
        if kind == "run" and what in _PHASES:
            self.phase, self._since_ns = what, at_ns
        elif kind == "workload":
            self._note_workload(what, pair, str(facts.get("wanted", "")), at_ns)
        elif event in ("link.ready", "link.failed"):
            self._unready.pop(link, None)
        elif event == "agent.released":
            self._holding.discard(host)
        elif event == "agent.silent":
            self._silent[host] = at_ns
        elif event == "agent.returned":
            self._silent.pop(host, None)

    def told(self, now_ns: int, t0_ns: int) -> str:
        """What the run waits for and how long already, as a sentence without its end; empty if for nothing worth it."""
        found = sorted((since, text) for since, text in self._found(t0_ns) if since and now_ns - since >= PATIENCE_NS)
        if not found:
            return ""
        named = [f"{text}, {(now_ns - since) // NS_PER_S} s" for since, text in found[:_NAMED]]
        more = f", and {len(found) - _NAMED} more" if len(found) > _NAMED else ""
        return f"waiting for {'; '.join(named)}{more}"

    def _note_workload(self, what: str, pair: Pair, wanted: str, at_ns: int) -> None:
        if what == "awaited":
            self._awaited[pair] = wanted, at_ns
        elif what == "ready":
            self._awaited.pop(pair, None)
        elif what in ("ended", "left"):
            self._deciding.discard(pair)
            self._awaited.pop(pair, None)

    def _found(self, t0_ns: int) -> Iterator[tuple[int, str]]:
        yield from ((since, f"{host}, which is silent") for host, since in self._silent.items())
        if self.phase == RunPhase.PREPARING:
            yield from self._found_preparing()
        elif self.phase == RunPhase.RUNNING and t0_ns:
            for pair in self._deciding:
                since_ns = t0_ns + max(0, self._workloads[pair].start_ns)
                yield since_ns, self._named(pair)
        elif self.phase in (RunPhase.STOPPING, RunPhase.RELEASING):
            for host in self._holding - self._silent.keys():
                yield self._since_ns, f"{host} to end its part"

    def _found_preparing(self) -> Iterator[tuple[int, str]]:
        told = set()
        for pair, (wanted, since_ns) in self._awaited.items():
            told.add(self._hosts.get(pair[0], ""))
            yield since_ns, f"{self._named(pair)} to {wanted}"
        hosts = list(self._unready.values())
        for host in dict.fromkeys(hosts):
            if host not in told:
                count = hosts.count(host)
                yield self._since_ns, f"{host} to prepare {count} link{'' if count == 1 else 's'}"

    def _named(self, pair: Pair) -> str:
        workload = self._workloads.get(pair)
        command = _as_written(workload.command) if workload else ""
        shown = command if len(command) <= _COMMAND else command[: _COMMAND - 1] + "…"
        return f"{pair[0]}/{pair[1]}" + (f" ({shown})" if shown else "")


def _as_written(command: tuple[str, ...]) -> str:
    """The command as its author wrote it: a text in a spec is run by a shell."""
    return command[2] if command[:2] == ("sh", "-c") and len(command) == 3 else shlex.join(command)


_PHASES = frozenset(str(phase) for phase in RunPhase)


def _integer(value: object) -> int:
    return value if isinstance(value, int) else 0
