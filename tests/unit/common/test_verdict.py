"""The verdict is what a user believes or does not: each rule, their precedence, and what can never be called ok."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plctl.common.plan import Budget
from plctl.common.units import NS_PER_MS, NS_PER_US
from plctl.common.verdict import HalfFacts, Judgement, LinkFacts, Verdict, judge, judge_run

BUDGET = Budget(lateness_ns=1 * NS_PER_MS, skew_ns=1 * NS_PER_MS)
GOOD = LinkFacts(planned_ns=5_000_000_000, started_ns=5_000_020_000, clock_bound_ns=30 * NS_PER_US)


def good(**changes: object) -> LinkFacts:
    """The facts of a link that is ok, but for `changes`."""
    return dataclasses.replace(GOOD, **changes)  # type: ignore[arg-type]  # the tests below name real fields


@pytest.mark.parametrize(
    ("facts", "verdict", "cause"),
    [
        (good(), "ok", ""),
        (good(up=HalfFacts(lateness_p99_ns=NS_PER_MS)), "ok", ""),
        (
            good(down=HalfFacts(lateness_p99_ns=1_300_000)),
            "late",
            "frames down left late: p99 1.3 ms, the budget is 1 ms",
        ),
        (
            good(started_ns=5_002_000_000),
            "skewed",
            "started 2 ms after T0, give or take 30 µs of clock error; the budget is 1 ms",
        ),
        (
            good(started_ns=4_999_000_000),
            "skewed",
            "started 1 ms before T0, give or take 30 µs of clock error; the budget is 1 ms",
        ),
        (
            good(clock_bound_ns=NS_PER_MS),
            "skewed",
            "started 20 µs after T0, give or take 1 ms of clock error; the budget is 1 ms",
        ),
        (good(planned_ns=None), "ok", ""),
        (
            good(up=HalfFacts(lost_ring=3, lost_memory=1)),
            "overloaded",
            "the machine, not the scenario, lost 4 frames up (receive ring 3, memory 1)",
        ),
        (
            good(down=HalfFacts(lost_send=1)),
            "overloaded",
            "the machine, not the scenario, lost 1 frame down (send 1)",
        ),
        (
            good(simulated=True),
            "simulated",
            "its host is simulated: no packet was carried, and every figure is made up",
        ),
        (good(cancelled=True), "cancelled", "cancelled before the run was over"),
        (good(cancelled=True, started_ns=None), "cancelled", "cancelled before the run was over"),
        (good(failure="the agent died"), "failed", "the agent died"),
        (good(workload_failures=("iperf3 exited with 1",)), "failed", "iperf3 exited with 1"),
        (good(started_ns=None), "failed", "the scenario never started at T0"),
        (
            good(started_ns=None, planned_ns=None),
            "failed",
            "the scenario never started, as no packet came to start it",
        ),
    ],
)
def test_each_rule_yields_its_verdict_and_a_sentence_with_figures(facts: LinkFacts, verdict: str, cause: str) -> None:
    """Every rule, also exactly at its budget, says what was measured and what was allowed."""
    assert Judgement(Verdict(verdict), cause) == judge(facts, BUDGET)


def test_the_strongest_finding_is_the_verdict_and_the_others_follow() -> None:
    """failed > cancelled > overloaded > skewed > late > simulated: take one away and the next one speaks."""
    facts = good(
        failure="the agent died",
        cancelled=True,
        simulated=True,
        started_ns=5_002_000_000,
        up=HalfFacts(lateness_p99_ns=2 * NS_PER_MS, lost_ring=1),
    )
    order = []
    for cured in (
        {"failure": None},
        {"cancelled": False},
        {"up": HalfFacts(lateness_p99_ns=2 * NS_PER_MS)},
        {"started_ns": GOOD.started_ns},
        {"up": HalfFacts()},
        {"simulated": False},
    ):
        judgement = judge(facts, BUDGET)
        order.append(judgement.verdict)
        assert 6 - len(order) == len(judgement.also)
        facts = dataclasses.replace(facts, **cured)  # type: ignore[arg-type]  # mixed value types
    assert order == ["failed", "cancelled", "overloaded", "skewed", "late", "simulated"]
    assert judge(facts, BUDGET).verdict is Verdict.OK


counts = st.integers(0, 2**40)
halves = st.builds(HalfFacts, st.integers(-1, 10**10), counts, counts, counts)
facts_of_links = st.builds(
    LinkFacts,
    failure=st.none() | st.text(min_size=1),
    cancelled=st.booleans(),
    workload_failures=st.lists(st.text(min_size=1), max_size=2).map(tuple),
    planned_ns=st.none() | st.integers(0, 10**12),
    started_ns=st.none() | st.integers(0, 10**12),
    clock_bound_ns=st.integers(0, 10**10),
    up=halves,
    down=halves,
)


@given(facts_of_links)
def test_every_set_of_facts_has_a_verdict_and_only_ok_goes_without_cause(facts: LinkFacts) -> None:
    """`judge` is total, and whoever reads a bad verdict reads why."""
    judgement = judge(facts, BUDGET)
    assert (judgement.verdict is Verdict.OK) == (judgement.cause == "")


@given(facts_of_links)
def test_a_frame_lost_by_the_machine_is_never_ok(facts: LinkFacts) -> None:
    """No combination of other facts hides an emulator loss: it is the verdict, or stands beside a stronger one."""
    judgement = judge(facts, BUDGET)
    lossy = [direction for direction, half in facts.halves if half.lost]
    told = [sentence for sentence in (judgement.cause, *judgement.also) if sentence.startswith("the machine, not the")]
    assert len(lossy) == len(told)
    if lossy:
        assert judgement.verdict in (Verdict.FAILED, Verdict.CANCELLED, Verdict.OVERLOADED)


@given(facts_of_links, facts_of_links)
def test_a_run_is_ok_only_if_every_link_is(one: LinkFacts, other: LinkFacts) -> None:
    """One bad link is enough, and the run takes the worst link's verdict."""
    links = {"a": judge(one, BUDGET), "b": judge(other, BUDGET)}
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
