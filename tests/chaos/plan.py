"""From a seed, what happens: hosts, runs, when each is asked for, and which faults there are when. Nothing is touched.

The same seed is the same plan. What a fault meets also depends on how quick the machine is: a replay is the same orders
at the same times.
"""

from __future__ import annotations

import json
import random
import sys
from dataclasses import dataclass
from pathlib import Path

from truth.bottleneck import Capacity, Queue
from truth.case import Half, Link
from truth.path import Row

from chaos.cluster import CONTROLLER
from chaos.faults.kinds import KINDS
from chaos.programs import witness

MS = 10**6
#: Runs are asked for, and faults begin, within this time.
WINDOW_MS = 11_000
PORT = 7116
#: Of lateness, on a machine that has other things to do.
BUDGET_NS = 1000 * MS
_ROWS_MS = (0, 1500, 3000)


@dataclass(frozen=True)
class PlannedLink:
    """One link up, as the judge of `tests/truth` takes it (down it only delays), and what its sender does."""

    name: str
    host: str
    rows: tuple[Row, ...]
    queue_packets: int = 40
    blackout_ms: int = 0
    mode: str = "gsl"
    burst: int = 0  #: so many frames back to back, twice a second: more than the queue holds, or none

    @property
    def judged(self) -> Link:
        """As the judge takes it."""
        half = Half(self.rows, None)
        queue = Queue(Capacity("packets", self.queue_packets))
        return Link(self.name, {"up": half, "down": half}, queue, self.blackout_ms * MS, self.mode, False)


@dataclass(frozen=True)
class PlannedRun:
    """One run, when it is asked for, and when it is cancelled (0: it is not), after the plan's beginning."""

    name: str
    at_ms: int
    seconds: float
    links: tuple[PlannedLink, ...]
    cancel_ms: int
    has_duration: bool  #: else it ends when its workloads have

    @property
    def hosts(self) -> frozenset[str]:
        """All that it is on."""
        return frozenset(link.host for link in self.links)

    def number(self, link: PlannedLink) -> int:
        """By which the judge knows the frames of the link's sender."""
        return self.links.index(link)

    def write(self, folder: Path) -> Path:
        """Its run spec and scenarios in `folder`, where the witnesses write, too."""
        spec = {
            "name": self.name,
            "seed": 1,
            "budget": {"lateness": f"{BUDGET_NS}ns", "skew": "1s", "workload": "2s"},
            "telemetry": {"interval": "100ms"},
            "links": [self._link(link, folder) for link in self.links],
        } | ({"duration": f"{self.seconds}s"} if self.has_duration else {})
        path = folder / f"{self.name}.yaml"
        path.write_text(json.dumps(spec, indent=1))
        return path

    def _link(self, link: PlannedLink, folder: Path) -> dict[str, object]:
        (folder / f"{self.name}-{link.name}.csv").write_text(link.judged.halves["up"].csv())
        seconds = self.seconds + (20 if self.has_duration else 0)
        return {
            "name": link.name,
            "hosts": [link.host],
            "scenario": f"{self.name}-{link.name}.csv",
            "queue": {"capacity": f"{link.queue_packets}p"},
            "reconfiguration": {"delay": f"{link.blackout_ms}ms", "mode": link.mode},
            "workload": [
                {
                    "name": "receive", "at": "server", "ready": {"file": "go"},
                    "command": _witness("receive", witness_file(folder, self.name, link.name, "receive"), PORT, "go"),
                },
                {
                    "name": "send", "at": "client", "start": "0s",
                    "command": _witness(
                        "send", witness_file(folder, self.name, link.name, "send"), self.number(link),
                        f"192.168.66.2:{PORT}", seconds, link.burst,
                    ),
                },
            ],
        }  # fmt: skip


@dataclass(frozen=True)
class PlannedFault:
    """A fault of a kind on a host, from when to when (a length of 0: it is not undone)."""

    kind: str
    host: str
    at_ms: int
    length_ms: int
    seed: int  #: of what else it draws

    def __str__(self) -> str:
        """For people."""
        return f"{self.kind} on {self.host} at {self.at_ms / 1000:.2f} s" + (
            f" for {self.length_ms / 1000:.2f} s" if self.length_ms else ""
        )


@dataclass(frozen=True)
class Plan:
    """All that a seed decides."""

    seed: int
    hosts: int
    runs: tuple[PlannedRun, ...]
    faults: tuple[PlannedFault, ...]

    def draws_report(self, run: PlannedRun) -> bool:
        """Whether it is to: only where its drawing is disturbed, as that takes seconds of a CPU."""
        return run.name == "r0" and any(KINDS[fault.kind].at_end for fault in self.faults)

    def __str__(self) -> str:
        """A line for the table."""
        return f"{self.hosts} hosts, {len(self.runs)} runs; " + ("; ".join(map(str, self.faults)) or "no faults")


def witness_file(folder: Path, run: str, link: str, end: str) -> Path:
    """What the witness writes of itself."""
    return folder / "witnesses" / f"{run}-{link}-{end}"


def draw(seed: int, kinds: tuple[str, ...] | None = None) -> Plan:
    """The plan of `seed`; with `kinds` the faults are of these, in turn."""
    dice = random.Random(seed)
    hosts = [f"h{number}" for number in range(1, dice.choice((2, 2, 3)) + 1)]
    runs = tuple(_draw_run(dice, f"r{number}", hosts) for number in range(dice.choice((4, 5, 6))))
    if kinds is None:
        kinds = tuple(dice.sample(sorted(KINDS), dice.choice((2, 3, 3, 4, 4))))
    faults = sorted((_draw_fault(dice, kind, hosts, runs) for kind in kinds), key=lambda fault: fault.at_ms)
    return Plan(seed, len(hosts), tuple(sorted(runs, key=lambda run: run.at_ms)), tuple(faults))


def _draw_run(dice: random.Random, name: str, hosts: list[str]) -> PlannedRun:
    count = dice.choice((1, 2, 2, 3))
    links = tuple(_draw_link(dice, f"l{number}", dice.choice(hosts)) for number in range(count))
    at_ms = dice.randrange(0, WINDOW_MS - 3000)
    cancel_ms = at_ms + dice.randrange(200, 4500) if dice.random() < 0.25 else 0
    return PlannedRun(name, at_ms, dice.randrange(30, 60) / 10, links, cancel_ms, dice.random() < 0.6)


def _draw_link(dice: random.Random, name: str, host: str) -> PlannedLink:
    rows = tuple(
        Row(at * MS, dice.randrange(2), dice.randrange(2, 40) * MS, dice.randrange(4, 12) * 10**6) for at in _ROWS_MS
    )
    packets = dice.randrange(15, 60)
    return PlannedLink(
        name, host, rows, packets, dice.choice((0, 20, 100)), dice.choice(("gsl", "all")), dice.choice((0, 20, 80))
    )


def _draw_fault(dice: random.Random, name: str, hosts: list[str], runs: tuple[PlannedRun, ...]) -> PlannedFault:
    kind = KINDS[name]
    where = {"agent": hosts, "controller": [CONTROLLER], "either": [*hosts, CONTROLLER]}[kind.where]
    shortest, longest = kind.lengths_ms
    length_ms = dice.randrange(shortest, longest) if longest else 0
    host, at_ms, run = dice.choice(where), dice.randrange(500, WINDOW_MS), dice.choice(runs)
    if kind.at_start:
        host, at_ms = dice.choice(run.links).host, run.at_ms
    if kind.at_end:
        at_ms = runs[0].at_ms + 2000
    return PlannedFault(name, host, at_ms, length_ms, dice.randrange(1 << 30))


def _witness(*words: object) -> list[str]:
    return [sys.executable, "-I", "-S", witness.__file__, *map(str, words)]
