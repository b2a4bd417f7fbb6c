"""Scenarios that jump between states and stay in each for a random time: a Markov chain in continuous time.

The stay in a state has an exponential distribution; where the chain goes then depends on the state that it leaves. With
two states this is the channel of Gilbert ("Capacity of a Burst-Noise Channel", Bell System Technical Journal 39, 1960)
and Elliott ("Estimates of Error Rates for Codes on Burst-Noise Channels", ibid. 42, 1963), whose states are good and
bad, here with rates and delays in place of error rates. In the long run a state's share of the time is how often it is
entered, times its mean stay.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from plctl.common.base.errors import UserError
from plctl.common.scenario.schedule import Row, Scenario
from plctl.controller.makers.draws import Draws
from plctl.controller.makers.made import made


@dataclass(frozen=True, slots=True)
class State:
    """What holds for an exponential time of mean `stay_ns`."""

    rate_bps: int
    delay_ns: int
    stay_ns: int


#: From state (index) to state: how likely it is beside the others. A state that is not in it goes anywhere equally.
Jumps = Mapping[tuple[int, int], float]


def markov(states: Sequence[State], jumps: Jumps, duration_ns: int, seed: int) -> Scenario:
    """The chain that begins in the first of `states`.

    :raises UserError: there is one state only, a jump names none, or leads to where it came from.
    """
    rows = _rows(states, _weights(states, jumps), duration_ns, Draws(seed, "markov"))
    return made(rows, duration_ns)


def _rows(states: Sequence[State], weights: list[list[float]], duration_ns: int, draws: Draws) -> Iterator[Row]:
    at_ns, now = 0, 0
    while at_ns < duration_ns:
        yield Row(at_ns, 0, states[now].delay_ns, states[now].rate_bps)
        at_ns += max(1, round(states[now].stay_ns * draws.exponential()))
        now = draws.choice(weights[now])


def _weights(states: Sequence[State], jumps: Jumps) -> list[list[float]]:
    count = len(states)
    if count < 2:
        raise UserError("a chain needs two states or more, between which it jumps")
    for start, goal in jumps:
        if not (0 <= start < count and 0 <= goal < count and start != goal):
            raise UserError(f"from {start + 1} to {goal + 1} is no jump between two of the {count} states")
    found = []
    for start in range(count):
        own = [jumps.get((start, goal), 0.0) for goal in range(count)]
        found.append(own if any(own) else [float(goal != start) for goal in range(count)])
    return found
