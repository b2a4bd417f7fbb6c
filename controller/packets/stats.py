"""What a packet log says in figures: how long packets spent where, and what became of them.

Of each packet that was sent, these add up to the nanosecond:

    one-way delay = sojourn (queue and service) + in flight (beyond the bottleneck) + lateness (of this machine)
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from plctl.controller.results import packet_file

#: What `Spread` says of a set of times, by name: ranks in percent.
RANKS = {"min_ns": 0.0, "p50_ns": 50.0, "p90_ns": 90.0, "p99_ns": 99.0, "p999_ns": 99.9, "max_ns": 100.0}

Times = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Sent:
    """The packets that were sent, in order of arrival; arrays of equal length, in ns but for `t_s`."""

    t_s: NDArray[np.float64]  #: arrival after T0; NaN if the link was never armed
    sojourn: Times  #: from arrival, as the model saw it, to the end of service
    in_flight: Times  #: from there until due: propagation, and what a reconfiguration or the order on a route adds
    lateness: Times  #: sent after due, plus what the arrival was moved up by
    one_way: Times  #: from the true arrival to when it was sent


@dataclass(frozen=True, slots=True)
class PacketSummary:
    """One direction of a link."""

    direction: str
    verdicts: dict[str, int]  #: packets by what became of them
    unlogged: int | None  #: packets without a record, as there was no room for it; None: nobody knows
    before_t0: int  #: records of packets that arrived before T0, which nothing else here counts
    sent: Sent

    def spreads(self) -> dict[str, dict[str, int]]:
        """Ranks (see `RANKS`) of each kind of time, in ns; empty where no packet was sent."""
        times = {
            "sojourn": self.sent.sojourn,
            "in_flight": self.sent.in_flight,
            "lateness": self.sent.lateness,
            "one_way": self.sent.one_way,
        }
        return {name: spread(values) for name, values in times.items()}

    def as_json(self) -> dict[str, Any]:
        """For machines."""
        return {
            "verdicts": self.verdicts,
            "unlogged": self.unlogged,
            "before_t0": self.before_t0,
            **self.spreads(),
        }


def summarize(table: pa.Table) -> PacketSummary:
    """What the log `table` of one direction says of the run: from T0 on, if there was a T0."""
    footer = packet_file.footer(table)
    counted = table if footer["t0_ns"] is None else table.filter(pc.greater_equal(table["t_s"], 0.0))
    return PacketSummary(
        direction=footer["direction"],
        verdicts=dict(Counter(counted["verdict"].to_pylist())),
        unlogged=footer["lost"],
        before_t0=table.num_rows - counted.num_rows,
        sent=_sent(counted),
    )


def spread(values: Times) -> dict[str, int]:
    """`values` at each of `RANKS`, by nearest rank; empty if there are none."""
    if not len(values):
        return {}
    ranked = np.sort(values)
    places = {name: max(0, int(np.ceil(len(ranked) * rank / 100)) - 1) for name, rank in RANKS.items()}
    return {name: int(ranked[place]) for name, place in places.items()}


def _sent(table: pa.Table) -> Sent:
    names = ("arrival_ns", "moved_ns", "end_ns", "due_ns", "sent_ns")
    table = table.filter(pc.equal(table["verdict"], "admitted"))
    for name in names:  # an honest log has them all
        table = table.filter(pc.is_valid(table[name]))
    arrival, moved, end, due, sent = (table[name].to_numpy() for name in names)
    return Sent(
        t_s=table["t_s"].to_numpy().astype(float),
        sojourn=end - arrival,
        in_flight=due - end,
        lateness=sent - due + moved,
        one_way=sent - arrival + moved,
    )
