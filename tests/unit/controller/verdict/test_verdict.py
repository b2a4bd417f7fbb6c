"""The verdict of a run is that of its links, and says where to look first."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from plctl.controller.verdict.verdict import Judgement, Verdict, judge_run

judgements = st.builds(Judgement, st.sampled_from(Verdict))


@given(judgements, judgements)
def test_a_run_is_ok_only_if_every_link_is(one: Judgement, other: Judgement) -> None:
    """One bad link is enough, and the run takes the worst link's verdict."""
    links = {"a": one, "b": other}
    assert min((j.verdict for j in links.values()), key=lambda v: v.rank) is judge_run(links).verdict


def test_a_run_names_its_worst_link_and_how_many_are_bad() -> None:
    """From the run's one sentence a user knows where to look first."""
    links = {
        "leo-0": Judgement(Verdict.OK),
        "leo-1": Judgement(Verdict.LATE, "frames up left late"),
        "leo-2": Judgement(Verdict.FAILED, "the agent died"),
    }
    expected = Judgement(Verdict.FAILED, "2 of 3 links not ok, the worst: leo-2: the agent died")
    assert expected == judge_run(links)


def test_a_run_without_links_is_not_ok() -> None:
    """Nothing judged is not the same as nothing wrong."""
    assert judge_run({}).verdict is Verdict.FAILED
