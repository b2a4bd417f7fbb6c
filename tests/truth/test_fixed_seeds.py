"""A few seeds of the generator: verdicts say what the judge found. `make truth` plays as many as wanted."""

from __future__ import annotations

import pytest

from truth.case import draw
from truth.judge import judge
from truth.play import play
from truth.sentence import outcomes

pytestmark = [pytest.mark.needs_root, pytest.mark.undisturbed]  # links; the judge knows of no other disturbance


@pytest.mark.parametrize(
    ("seed", "kinds"),
    [
        (1, ()),
        (4, ("stop gate",)),
        (22, ("kill forwarder",)),
    ],
)
def test_verdict_says_what_the_judge_found(seed: int, kinds: tuple[str, ...]) -> None:
    """Never `ok` where a frame met another fate than the scenario's, never worse than `late` where none did."""
    evidence = play(draw(seed, kinds))
    halves = judge(evidence)
    assert sum(half.came for half in halves) > 0
    assert [] == evidence.complaints
    assert [] == evidence.undone
    assert [] == [f"{outcome.objection}: {outcome}" for outcome in outcomes(evidence) if outcome.objection], halves
