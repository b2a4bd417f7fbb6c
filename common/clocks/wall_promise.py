"""Turns what two hosts' time daemons promise of their wall clocks into a bound between their monotonic clocks.

The wall clock is monotonic plus a number that only a step changes, so: offset = agent's number − controller's number,
give or take both errors. A step after the readings changes nothing, for the interval is about the monotonic clocks.
"""

from __future__ import annotations

from dataclasses import dataclass

from plctl.common.base.errors import WorldError
from plctl.common.clocks.sync import MAX_DRIFT_PPM, Interval


class NoPromiseError(WorldError):
    """A discipline is missing, unsynchronised, or says nothing that a bound could rest on; the message says which."""


@dataclass(frozen=True, slots=True)
class ClockDiscipline:
    """What keeps a host's CLOCK_REALTIME right, and how wrong it is at most as long as its words are true."""

    source: str  #: chrony, PTP, or the kernel
    reference: str  #: the time that is followed: UTC, or the identity of a PTP grandmaster
    max_error_ns: int


@dataclass(frozen=True, slots=True)
class WallReading:
    """One host's wall clock against its monotonic one, and how right its wall clock is."""

    monotonic_ns: int  #: when it was read
    wall_minus_monotonic_ns: int
    sampling_ns: int  #: the two clocks cannot be read at once; the difference is right within this
    discipline: ClockDiscipline


def interval_from_wall(agent: WallReading, controller: WallReading, apart_ns: int) -> Interval | None:
    """Where the offset controller − agent is at `agent.monotonic_ns`; None if the hosts do not follow the same time.

    :param apart_ns: the most that can lie between the two readings, e.g. the round trip that carried the controller's;
        its wall clock may have drifted for that long.
    """
    if agent.discipline.reference != controller.discipline.reference:
        return None
    offset = agent.wall_minus_monotonic_ns - controller.wall_minus_monotonic_ns
    error = sum(r.sampling_ns + r.discipline.max_error_ns for r in (agent, controller))
    error += -(-MAX_DRIFT_PPM * apart_ns // 1_000_000)
    sources = {agent.discipline.source, controller.discipline.source}
    source = " and ".join(sorted(sources)) + (" on both hosts" if len(sources) == 1 else "")
    return Interval(offset - error, offset + error, agent.monotonic_ns, source)
