"""A chain is in each state for its share of the time, stays for an exponential time, and jumps as it is told."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest

from plctl.common.base.errors import UserError
from plctl.common.base.units import NS_PER_MS, NS_PER_S
from plctl.common.scenario.schedule import Scenario
from plctl.controller.makers import made
from plctl.controller.makers.markov import State, markov

GOOD, BAD, UGLY = State(50, 20, 900 * NS_PER_MS), State(2, 60, 100 * NS_PER_MS), State(0, 60, 200 * NS_PER_MS)
LENGTH_NS = 20_000 * NS_PER_S


def shares(found: Scenario) -> dict[int, float]:
    """Of the time, by rate."""
    times = [*found.up.column("time_ns"), LENGTH_NS]
    total: dict[int, float] = {}
    for rate, (begin, end) in zip(found.up.column("rate_bps"), pairwise(times), strict=True):
        total[rate] = total.get(rate, 0) + (end - begin) / LENGTH_NS
    return total


def test_two_states_have_the_shares_of_their_stays() -> None:
    """0.9 and 0.1; some 20 000 rounds of 1 s let the share vary by a thousandth or so."""
    found = shares(markov([GOOD, BAD], {}, LENGTH_NS, seed=1))
    assert pytest.approx({50: 0.9, 2: 0.1}, abs=0.004) == found


def test_the_stationary_shares_of_three_follow_from_the_jumps() -> None:
    """1 → 2; 2 → 1 three times of four, else 3; 3 → 2: entered 3 : 4 : 1, times the stays."""
    found = shares(markov([GOOD, BAD, UGLY], {(0, 1): 1, (1, 0): 3, (1, 2): 1, (2, 1): 1}, LENGTH_NS, seed=1))
    weights = {50: 3 * 900, 2: 4 * 100, 0: 1 * 200}
    assert pytest.approx({rate: each / sum(weights.values()) for rate, each in weights.items()}, abs=0.006) == found


def test_stays_are_exponential() -> None:
    """Their mean is the state's, their deviation too, and e^-1 of them last longer than it."""
    found = markov([GOOD, BAD], {}, LENGTH_NS, seed=1).up
    times = list(found.column("time_ns"))
    stays = [(end - begin) / GOOD.stay_ns for begin, end in pairwise(times)][::2]
    mean = sum(stays) / len(stays)
    assert pytest.approx(1, abs=0.03) == mean
    assert pytest.approx(1, abs=0.05) == (sum((stay - mean) ** 2 for stay in stays) / len(stays)) ** 0.5
    assert pytest.approx(0.3679, abs=0.015) == sum(stay > 1 for stay in stays) / len(stays)


def test_without_jumps_every_other_state_is_equally_likely() -> None:
    """Each of three then has the share of its stay."""
    found = shares(markov([GOOD, BAD, UGLY], {}, LENGTH_NS, seed=1))
    assert pytest.approx({50: 0.75, 2: 1 / 12, 0: 1 / 6}, abs=0.008) == found


@pytest.mark.parametrize(
    ("states", "jumps", "sentence"),
    [
        ([GOOD], {}, "a chain needs two states or more"),
        ([GOOD, BAD], {(0, 2): 1.0}, "from 1 to 3 is no jump between two of the 2 states"),
        ([GOOD, BAD], {(1, 1): 1.0}, "from 2 to 2 is no jump between two of the 2 states"),
    ],
)
def test_what_is_no_chain_is_refused(states: list[State], jumps: dict[tuple[int, int], float], sentence: str) -> None:
    """In a sentence."""
    with pytest.raises(UserError, match=re.escape(sentence)):
        markov(states, jumps, LENGTH_NS, seed=1)


def test_a_chain_that_jumps_too_often_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """As soon as it has more rows than a scenario may have, not at its end."""
    monkeypatch.setattr(made, "MAX_ROWS", 1000)
    with pytest.raises(UserError, match="this makes more than the 1000 rows that a scenario may have; make it shorter"):
        markov([State(1, 1, 1), State(2, 1, 1)], {}, LENGTH_NS, seed=1)
