"""How long a controller waits for agents, and how far ahead of T0 it arms them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from plctl.common.base.units import NS_PER_MS, NS_PER_S


@dataclass(frozen=True, slots=True)
class Patience:
    """How long the controller waits for its agents."""

    prepare_ns: int = 120 * NS_PER_S
    arm_ns: int = 10 * NS_PER_S  #: for as many attempts as it takes until every clock is known within the budget
    settle_ns: int = 2 * NS_PER_S  #: of these, until every clock is known within half of it: the start needs the rest
    start_ns: int = 5 * NS_PER_S  #: after T0
    stop_ns: int = 20 * NS_PER_S
    release_ns: int = 60 * NS_PER_S
    rejoin_ns: int = 30 * NS_PER_S  #: for agents to come back to a controller that was started again
    return_ns: int = 300 * NS_PER_S  #: for a silent agent, after the run's planned end, or from now if it has none


#: From ARM to T0, for agents that read the controller's clock themselves.
LEAD_NS = 250 * NS_PER_MS
#: For an agent that is alone and does so, and for each of its links: if COMMIT is late for it nothing has started
#: anywhere, and the next T0 is as far ahead as for several agents, or farther.
LEAD_ALONE_NS, LEAD_PER_LINK_NS = 100 * NS_PER_MS, NS_PER_MS
#: Further, for agents that read it by exchanges: a burst of eight takes some 100 ms, more on a busy machine; at least
#: so many times the gap between exchanges, where that is long.
LEAD_TO_READ_CLOCKS_NS, LEAD_GAPS = 250 * NS_PER_MS, 10
#: For each further agent, whatever its clock: what its commands, answers and exchanges cost a busy controller.
LEAD_PER_AGENT_NS = 2 * NS_PER_MS
#: No round trip counts for more: what takes longer cannot be armed within `Patience.arm_ns`.
ROUND_TRIP_MOST_NS = 3 * NS_PER_S


#: Exchanges of clock readings that a controller answers while a run is prepared, and those of one agent at most: among
#: delays of 5 ± 2 ms so many find two short enough for an offset within 50 µs (one standard deviation).
EXCHANGES, EXCHANGES_EACH = 4_000, 64


#: Between two exchanges of one agent, for each agent that reads the clock at the same time; and at most, because some
#: must fit between ARM and T0.
EXCHANGE_GAP_EACH_NS, EXCHANGE_GAP_MOST_NS = 2 * NS_PER_MS, 250 * NS_PER_MS


#: Where agents were late for T0, the next is twice as far ahead as the last, until it is this many times as far.
LEAD_FACTOR_MOST = 8
#: A T0 is committed if this part of its lead is left when the last agent is armed: COMMIT is still to reach them.
COMMIT_PART = 8


def clock_exchanges(agents: int) -> int:
    """How many exchanges of clock readings each of so many agents may ask for while a run is prepared."""
    return min(EXCHANGES // agents, EXCHANGES_EACH)


def exchange_gap_ns(agents: int) -> int:
    """How far apart each of so many agents' exchanges of clock readings should be, while all of them read the clock.

    Faster than the controller answers, or the hosts of a small laboratory, they would only measure each other's queues.
    """
    return min(agents * EXCHANGE_GAP_EACH_NS, EXCHANGE_GAP_MOST_NS)


def lead_ns(agents: int, round_trips_ns: Collection[int], links: int) -> int:
    """How long before T0 to arm so many agents with so many links in all, given the round trip to each that has another
    clock.

    On the way are ARM, the last readings there and back, ARMED and COMMIT: two and a half round trips. Nobody waits for
    more than `ROUND_TRIP_MOST_NS`, whatever an agent says of itself.
    """
    lead = LEAD_NS + LEAD_PER_AGENT_NS * (agents - 1)
    if not round_trips_ns:
        return lead if agents > 1 else min(lead, LEAD_ALONE_NS + LEAD_PER_LINK_NS * links)
    return (
        lead
        + max(LEAD_TO_READ_CLOCKS_NS, LEAD_GAPS * exchange_gap_ns(agents))
        + 3 * min(max(round_trips_ns), ROUND_TRIP_MOST_NS)
    )
