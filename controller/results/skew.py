"""Bounds how far apart the links of a run can have started, from what every host says by its own clock."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from heapq import nlargest, nsmallest


@dataclass(frozen=True, slots=True)
class Starts:
    """When the links of one host started, after the instant that the host took for T0, by its own clock."""

    first_ns: int
    last_ns: int
    bound_ns: int  #: how far from T0 that instant can have been


def skew_bound_ns(hosts: Sequence[Starts]) -> int:
    """No two links started farther apart than this; 0 for a single one.

    Links of one host are compared by its clock alone, and exactly. Between two hosts both bounds count: at worst one
    host's clock was ahead and the other's behind.
    """
    within = max((host.last_ns - host.first_ns for host in hosts), default=0)
    firsts = nsmallest(2, ((host.first_ns - host.bound_ns, i) for i, host in enumerate(hosts)))
    lasts = nlargest(2, ((host.last_ns + host.bound_ns, i) for i, host in enumerate(hosts)))
    between = (last - first for first, i in firsts for last, j in lasts if i != j)
    return max(within, *between, 0)
