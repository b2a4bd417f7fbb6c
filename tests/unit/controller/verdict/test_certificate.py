"""The verdict is what a user believes or does not: each rule, their precedence, and what can never be called ok."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.synthetic_run import quiet_ends

from plctl.common.base.units import NS_PER_MS, NS_PER_US
from plctl.common.plan.run_plan import Budget
from plctl.common.protocol.messages import DirectionResult, WorkloadResult
from plctl.common.telemetry.witness import WorkerGap, WorkerWatch
from plctl.controller.verdict.certificate import judge
from plctl.controller.verdict.link_facts import LinkFacts
from plctl.controller.verdict.verdict import Judgement, Verdict

BUDGET = Budget(lateness_ns=1 * NS_PER_MS, skew_ns=1 * NS_PER_MS)
CARRIED = DirectionResult(arrived_packets=1, delivered_packets=1)
WORKER = WorkerWatch(5_000_000_000, 15_000_000_000, passes=1000, greatest_gap_ns=700_000)
GOOD = LinkFacts(
    t0_ns=5_000_000_000,
    planned_ns=5_000_000_000,
    started_ns=5_000_020_000,
    clock_bound_ns=30 * NS_PER_US,
    up=CARRIED,
    down=CARRIED,
    worker=WORKER,
    interfaces=quiet_ends(4_900_000_000, 9_000_000_000),
)


def half(**changes: int) -> DirectionResult:
    """The facts of a direction that is ok, but for `changes`."""
    return dataclasses.replace(CARRIED, **changes)


def good(**changes: object) -> LinkFacts:
    """The facts of a link that is ok, but for `changes`."""
    return dataclasses.replace(GOOD, **changes)  # type: ignore[arg-type]  # the tests below name real fields


def worker(**changes: object) -> WorkerWatch:
    """A worker that did all that it should, but for `changes`."""
    return dataclasses.replace(WORKER, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("facts", "verdict", "cause"),
    [
        (good(), "ok", ""),
        (good(up=half(lateness_p99_ns=NS_PER_MS)), "ok", ""),
        (
            good(down=half(lateness_p99_ns=1_300_000, lateness_packets=500, late_packets=10)),
            "late",
            "frames down left late: p99 1.3 ms, as 10 of 500 frames were over the budget of 1 ms; ease the load on its"
            " host, or allow more (budget: {lateness: …})",
        ),
        (
            good(down=half(lateness_p99_ns=1_300_000)),
            "late",
            "frames down left late: p99 1.3 ms, the budget is 1 ms; ease the load on its host, or allow more (budget:"
            " {lateness: …})",
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
            good(up=half(lost_ring=3, lost_memory=1, lost_late=2)),
            "overloaded",
            "the machine, not the scenario, lost 6 frames up (receive ring 3, memory 1, seen late 2)",
        ),
        (
            good(down=half(lost_send=1)),
            "overloaded",
            "the machine, not the scenario, lost 1 frame down (send 1)",
        ),
        (
            good(clock_bound_ns=None),
            "unproven",
            "nothing bounds how far the host's clock was from the controller's at T0",
        ),
        (
            good(packet_log=True, up=half(packet_log_lost=2), down=half(packet_log_lost=1)),
            "unproven",
            "the packet log lacks 2 records up, for which it had no room",
        ),
        (
            good(packet_log=True, up=half(capture_lost=2)),
            "unproven",
            "the packet log lacks the first bytes of 2 frames up, for which it had no room",
        ),
        (
            good(simulated=True),
            "simulated",
            "its host is simulated: no packet was carried, and every figure is synthetic",
        ),
        (
            good(duration_ns=2_000_000_000, until_ns=6_900_000_000),
            "failed",
            "it ended 1.9 s after T0, the run was to last 2 s",
        ),
        (good(duration_ns=2_000_000_000, until_ns=7_000_000_000), "ok", ""),
        (good(worker=None), "unproven", "nobody watched whether the forwarder worked"),
        (
            good(worker=worker(greatest_gap_ns=20 * NS_PER_MS + 1, gap_count=1, stalled_ns=20 * NS_PER_MS + 1)),
            "late",
            "the forwarder did nothing for 20 ms",
        ),
        (
            good(
                worker=worker(
                    greatest_gap_ns=3 * NS_PER_MS,
                    gaps=(WorkerGap(5_000_000_007, 2 * NS_PER_MS), WorkerGap(9_000_000_000, 3 * NS_PER_MS)),
                    gap_count=50,
                    stalled_ns=101 * NS_PER_MS,
                )
            ),
            "late",
            "the forwarder did nothing for 3 ms from 4 s after T0 on, and for 101 ms in all, in 50 times",
        ),
        (
            good(worker=worker(greatest_gap_ns=9 * NS_PER_MS, gap_count=20, stalled_ns=90 * NS_PER_MS)),
            "ok",
            "",
        ),
        (
            good(worker=worker(overdue_packets=7, overdue_ns=8_000 * NS_PER_MS)),
            "overloaded",
            "7 frames never left, although due: at the end the first was 8 s overdue",
        ),
        (good(worker=worker(overdue_packets=7, overdue_ns=NS_PER_MS)), "ok", ""),
        (good(cancelled=True), "cancelled", "cancelled before the run was over"),
        (good(cancelled=True, started_ns=None), "cancelled", "cancelled before the run was over"),
        (good(failure="the agent died"), "failed", "the agent died"),
        (
            good(workloads=(WorkloadResult("client", "client", 1, "exited with status 1", executed_ns=5_000_000_000),)),
            "failed",
            "client: exited with status 1",
        ),
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
    judgement = judge(facts, BUDGET)
    assert (verdict, cause) == (judgement.verdict, judgement.cause)


def test_the_strongest_finding_is_the_verdict_and_the_others_follow() -> None:
    """failed > cancelled > overloaded > skewed > late > unproven > simulated: take one away and the next one speaks."""
    facts = good(
        failure="the agent died",
        cancelled=True,
        simulated=True,
        packet_log=True,
        started_ns=5_002_000_000,
        up=half(lateness_p99_ns=2 * NS_PER_MS, lost_ring=1, packet_log_lost=1),
    )
    order = []
    for cured in (
        {"failure": None},
        {"cancelled": False},
        {"up": half(lateness_p99_ns=2 * NS_PER_MS, packet_log_lost=1)},
        {"started_ns": GOOD.started_ns},
        {"up": half(packet_log_lost=1)},
        {"up": half()},
        {"simulated": False},
    ):
        judgement = judge(facts, BUDGET)
        order.append(judgement.verdict)
        assert 7 - len(order) == len(judgement.also)
        facts = dataclasses.replace(facts, **cured)  # type: ignore[arg-type]  # mixed value types
    assert order == ["failed", "cancelled", "overloaded", "skewed", "late", "unproven", "simulated"]
    assert judge(facts, BUDGET).verdict is Verdict.OK


counts = st.integers(0, 2**40)
halves = st.builds(
    DirectionResult, lateness_p99_ns=st.integers(-1, 10**10), lost_ring=counts, lost_send=counts, lost_memory=counts
)
facts_of_links = st.builds(
    LinkFacts,
    failure=st.none() | st.text(min_size=1),
    cancelled=st.booleans(),
    workloads=st.lists(st.builds(WorkloadResult, *[st.text()] * 2, st.integers(), st.text()), max_size=2).map(tuple),
    planned_ns=st.none() | st.integers(0, 10**12),
    started_ns=st.none() | st.integers(0, 10**12),
    clock_bound_ns=st.none() | st.integers(0, 10**10),
    simulated=st.booleans(),
    reported=st.booleans(),
    packet_log=st.booleans(),
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


@given(facts_of_links)
def test_the_verdict_is_the_worst_that_a_statement_supports(facts: LinkFacts) -> None:
    """run.json shows on what a verdict rests: none is without a statement, and none passes an objection by."""
    judgement = judge(facts, BUDGET)
    assert min(Verdict(statement.verdict).rank for statement in judgement.certificate) == judgement.verdict.rank


@given(facts_of_links)
def test_ok_means_that_every_witness_was_heard(facts: LinkFacts) -> None:
    """One that was not heard is never taken for one that saw nothing wrong."""
    judgement = judge(facts, BUDGET)
    if judgement.verdict is Verdict.OK:
        assert all(statement.heard for statement in judgement.certificate)


def test_each_witness_says_what_it_saw_and_when() -> None:
    """A certificate without objections is not empty: it names all that were heard, and what they rest on."""
    facts = good(
        from_ns=4_990_000_000,
        until_ns=6_000_000_000,
        clock_source="same clock",
        up=half(lateness_p99_ns=12_000, arrived_packets=7, delivered_packets=6, lateness_max_ns=20_000),
        down=DirectionResult(),
        packet_log=True,
        workloads=(
            WorkloadResult("server", "server", -15, executed_ns=4_000_000_000),
            WorkloadResult("client", "client", 0, planned_ns=5_000_000_000, executed_ns=5_000_070_000),
        ),
    )
    said = {each.witness: (each.from_ns, each.until_ns, each.says) for each in judge(facts, BUDGET).certificate}
    watched, ends_watched = (4_990_000_000, 6_000_000_000), (4_900_000_000, 9_000_000_000)
    assert said == {
        "agent": (*watched, "the agent carried the link until 1 s after T0"),
        "workloads": (
            *watched,
            "server was executed 1 s before T0; client was executed 70 µs after T0, 70 µs after its time",
        ),
        "interfaces": (*ends_watched, "nothing changed at veth1, sim-veth1, sim-veth2 and veth2"),
        "losses": (*watched, "the machine lost none of 7 frames up and 0 frames down"),
        "books": (
            *ends_watched,
            "up, veth1 sent 9 frames, which all came to the forwarder; of 9 frames that it delivered all came to veth2;"
            " down, veth2 sent 9 frames, which all came to the forwarder;"
            " of 9 frames that it delivered all came to veth1",
        ),
        "worker": (
            *(5_000_000_000, 15_000_000_000),
            "the forwarder never failed to work for longer than 700 µs, in 1000 passes",
        ),
        "clock": (*watched, "T0 was known to within 30 µs (same clock)"),
        "start": (
            5_000_020_000,
            5_000_020_000,
            "started 20 µs after T0, give or take 30 µs of clock error; the budget is 1 ms",
        ),
        "lateness": (*watched, "p99 12 µs up, the worst 20 µs, of 6 frames; nothing was delivered down"),
        "packet log": (*watched, "the packet log lacks no record"),
        "traffic": (*watched, "it carried nothing down"),
        "limits": (*watched, "no limit is known to have been hit"),
    }


def test_a_silent_host_leaves_its_witnesses_unheard_and_one_cause() -> None:
    """Nobody reads seven times over that nothing came; the certificate still lists who was not heard."""
    judgement = judge(good(failure="no result came from its host", reported=False, interfaces=None), BUDGET)
    assert (Verdict.FAILED, ()) == (judgement.verdict, judgement.also)
    assert {"agent", "interfaces", "workloads", "losses", "books", "lateness", "traffic", "limits"} == {
        statement.witness for statement in judgement.certificate if not statement.heard
    }


def test_a_limit_that_was_hit_stands_beside_a_verdict_of_ok() -> None:
    """It spoiled nothing that is judged, but whoever reads the verdict should know."""
    judgement = judge(good(limits=("samples of 2 s were let go",)), BUDGET)
    assert Judgement(Verdict.OK, "", ("samples of 2 s were let go",)) == judgement


@pytest.mark.parametrize(
    ("up", "down", "also"),
    [
        (half(), half(), ()),
        (half(), DirectionResult(), ("it carried nothing down",)),
        (DirectionResult(), DirectionResult(), ("it carried nothing, in either direction",)),
        (half(delivered_packets=0, arrived_packets=3), half(), ("3 frames up, none delivered",)),
        (
            half(delivered_packets=0, arrived_packets=3, dropped_queue_full_packets=3),
            DirectionResult(),
            ("3 frames up, 3 dropped as the scenario asked, none delivered; it carried nothing down",),
        ),
    ],
)
def test_a_link_that_carried_nothing_says_so_beside_its_verdict(
    up: DirectionResult, down: DirectionResult, also: tuple[str, ...]
) -> None:
    """It is ok all the same: nobody may have sent anything. But who expected traffic learns that there was none."""
    assert Judgement(Verdict.OK, "", also) == judge(good(up=up, down=down), BUDGET)


def test_one_late_frame_of_sixty_is_told_but_shows_nothing() -> None:
    """The 99th percentile of sixty frames is the worst of them: that is no proof that one in a hundred is late."""
    few = half(lateness_p99_ns=1_300_000, lateness_max_ns=1_300_000, lateness_packets=60, late_packets=1)
    judgement = judge(good(up=few), BUDGET)
    says = "frames up may be late: p99 1.3 ms, as 1 of 60 frames were over the budget of 1 ms; that is too few to tell"
    assert Judgement(Verdict.OK, "", (says,)) == judgement
    assert judge(good(up=dataclasses.replace(few, late_packets=3)), BUDGET).verdict is Verdict.LATE
