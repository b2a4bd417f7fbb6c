"""From a seed, one run: links, scenarios, traffic, and what disturbs them when. The same seed is the same run."""

from __future__ import annotations

import json
import random
import sys
from dataclasses import dataclass
from pathlib import Path as File
from typing import Any

from truth.bottleneck import Capacity, Queue
from truth.deeds import Planned
from truth.disturbances import KINDS, draw_disturbances
from truth.path import Row
from truth.programs import holder, sender

MS = 10**6
DURATION_NS = 3_600 * MS
TRAFFIC_NS = 2_400 * MS
PORT = 7115
#: How much later than planned a sender may be executed.
WORKLOAD_NS = 100 * MS
#: Frames a second of all links and directions together: what this generator may ask of two CPUs.
FRAMES_PER_S = 3600
WAYS = ("up", "down")
_ENDS = {"up": ("client", "192.168.66.2"), "down": ("server", "192.168.22.2")}


@dataclass(frozen=True)
class Half:
    """One direction: its rows, and the order for its sender, None if nothing is sent."""

    rows: tuple[Row, ...]
    order: dict[str, Any] | None

    def csv(self) -> str:
        """The rows as a scenario file."""
        lines = ["Time[ms],RouteID,Delay[ms],Btldr[Mbps]"]
        for row in self.rows:
            rate = "inf" if row.rate_bps is None else f"{row.rate_bps / 10**6:.6f}"
            lines.append(f"{row.time_ns / MS:.6f},{row.route},{row.delay_ns / MS:.6f},{rate}")
        return "\n".join(lines) + "\n"


@dataclass(frozen=True)
class Link:
    """One link and what is sent over it."""

    name: str
    halves: dict[str, Half]
    queue: Queue
    blackout_ns: int
    mode: str
    packet_log: bool

    @property
    def frames(self) -> int:
        """How many frames its senders make."""
        return sum(len(sender.plan(half.order)) for half in self.halves.values() if half.order)


@dataclass(frozen=True)
class Case:
    """One run of the generator."""

    seed: int
    io: str
    lateness_ns: int
    links: tuple[Link, ...]
    disturbances: tuple[Planned, ...]

    def __str__(self) -> str:
        """For the table: the disturbances, back end and number of links."""
        return f"{' + '.join(map(str, self.disturbances)) or 'nothing'} ({self.io}, {len(self.links)} links)"

    def write(self, folder: File) -> File:
        """The run spec and its scenarios in `folder`, where the caller makes the FIFOs that hold it back."""
        spec = {
            "name": f"truth-{self.seed}",
            "seed": self.seed,
            "duration": f"{DURATION_NS // MS}ms",
            "budget": {"lateness": f"{self.lateness_ns // 1000}us", "skew": "20ms", "workload": f"{WORKLOAD_NS}ns"},
            "links": [self._link(link, folder) for link in self.links],
        }
        path = folder / "spec.yaml"
        path.write_text(json.dumps(spec, indent=1))
        return path

    def _link(self, link: Link, folder: File) -> dict[str, Any]:
        for way, half in link.halves.items():
            (folder / f"{link.name}-{way}.csv").write_text(half.csv())
        amount = link.queue.capacity.amount
        capacity = {"packets": f"{amount}p", "bytes": f"{amount}B", "bdp": f"{amount / 10**6}bdp"}
        hold = [f"{folder}/{hold_name(link.name)}", "go", str(PORT)]
        return {
            "name": link.name,
            "scenario": {way: f"{link.name}-{way}.csv" for way in WAYS},
            "queue": {"capacity": capacity[link.queue.capacity.unit]},
            "reconfiguration": {"delay": f"{link.blackout_ns // MS}ms", "mode": link.mode},
            "overhead": link.queue.overhead,
            "packets": link.packet_log,
            "workload": [
                {"name": "hold", "at": "server", "command": _script(holder, *hold), "ready": {"file": "go"}},
                *(
                    {
                        "name": way,
                        "at": _ENDS[way][0],
                        "command": _script(sender, json.dumps(half.order | {"address": _ENDS[way][1]})),
                        "start": "0s",
                    }
                    for way, half in link.halves.items()
                    if half.order
                ),
            ],
        }


def _script(module: Any, *arguments: str) -> list[str]:
    """A command of the bare interpreter."""
    return [sys.executable, "-I", "-S", module.__file__, *arguments]


def hold_name(link: str) -> str:
    """The FIFO that holds back the run for this link."""
    return f"hold-{link}"


def draw(seed: int, kinds: tuple[str, ...] | None = None) -> Case:
    """The case of `seed`; with `kinds` the disturbances are of these, not drawn (their parameters are)."""
    dice = random.Random(seed)
    count = dice.choice((1, 1, 1, 2, 2, 4))
    links = tuple(_draw_link(dice, index, count) for index in range(count))
    io = dice.choice(("xdp", "packet"))
    lateness_ns = dice.choice((2 * MS, 5 * MS, 20 * MS, 100 * MS))
    disturbances = draw_disturbances(dice, count, _draw_kinds(dice) if kinds is None else kinds)
    for planned in disturbances:
        if planned.kind == "burst":
            _add_burst(links[planned.link], planned)
    return Case(seed, io, lateness_ns, links, disturbances)


def _add_burst(link: Link, planned: Planned) -> None:
    order = next(half.order for half in link.halves.values() if half.order)
    order["bursts"].append((planned.at_ns, planned.details["frames"]))


def _draw_kinds(dice: random.Random) -> tuple[str, ...]:
    return tuple(dice.sample(sorted(KINDS), dice.choice((0, 1, 1, 1, 1, 1, 1, 1, 2, 2))))


def _draw_link(dice: random.Random, index: int, count: int) -> Link:
    ways = dice.choice((("up",), ("up",), ("down",), WAYS))
    share = FRAMES_PER_S / count / len(ways)
    routes = dice.random() < 0.5
    halves = {}
    for number, way in enumerate(WAYS):
        rows = _draw_rows(dice, routes=routes)
        halves[way] = Half(rows, _draw_order(dice, rows, index, number, share) if way in ways else None)
    capacity = dice.choice((
        Capacity("packets", dice.randrange(10, 250)),
        Capacity("bytes", dice.randrange(15_000, 250_000)),
        Capacity("bdp", dice.choice((500_000, 1_000_000, 2_000_000))),
    ))  # fmt: skip
    queue = Queue(capacity, dice.choice((0, 0, 38)))
    return Link(
        f"l{index}", halves, queue, dice.choice((0, 20, 100)) * MS, dice.choice(("gsl", "all")), dice.random() < 0.5
    )


def _draw_rows(dice: random.Random, *, routes: bool) -> tuple[Row, ...]:
    times = (0, *sorted(dice.sample(range(200, 2600), dice.choice((0, 0, 1, 2, 4)))))
    rows = []
    for time_ms in times:
        rate = round(dice.uniform(4, 12) * 10 ** dice.choice((6, 6, 6.7)))
        if 0 < time_ms < 2000 and dice.random() < 0.1:
            rate = 0
        rows.append(Row(time_ms * MS, dice.randrange(3) if routes else 0, dice.randrange(500, 60_000) * 1000, rate))
    if rows[-1].rate_bps == 0:
        rows.append(Row((times[-1] + 150) * MS, rows[-1].route, 20 * MS, 20 * 10**6))
    return tuple(rows)


def _draw_order(dice: random.Random, rows: tuple[Row, ...], link: int, way: int, most_pps: float) -> dict[str, Any]:
    sizes = dice.choice(([1000], [200, 1000, 1400], [60, 1472], [400]))
    rate = sum(row.rate_bps or 0 for row in rows) / len(rows)
    wanted = dice.choice((0.3, 0.7, 0.95, 1.3)) * rate / (8 * (sum(sizes) / len(sizes) + 42))
    return {
        "port": PORT,
        "listen": PORT if way == 0 else 0,
        "link": link,
        "way": way,
        "seed": dice.randrange(1 << 30),
        "shape": dice.choice(("even", "even", "random", "groups")),
        "rate_pps": round(max(min(wanted, most_pps), 50)),
        "together": dice.randrange(2, 30),
        "sizes": sizes,
        "duration_ns": TRAFFIC_NS,
        "linger_ns": TRAFFIC_NS + 1000 * MS,
        "bursts": [],
    }
