"""The clock estimate is what a start's skew is proved by: its bound must hold whatever the network does."""

from __future__ import annotations

import dataclasses
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.clock_simulation import (
    ASYMMETRIC,
    BURSTY_LOSSY,
    EXACT,
    JITTERY,
    LAN,
    NETEM,
    Path,
    SimulatedClock,
    Simulation,
    uniform,
    unrelated_clocks,
)

from plctl.common.base.units import NS_PER_MS, NS_PER_S, NS_PER_US
from plctl.common.clocks.sync import (
    EXCHANGES,
    MAX_DRIFT_PPM,
    SAME_CLOCK,
    ClockEstimate,
    ClockEstimator,
    Exchange,
    ExchangeOutcome,
    Interval,
)

SYMMETRIC_MS = Path(uniform(NS_PER_MS, NS_PER_MS), uniform(NS_PER_MS, NS_PER_MS))
PATHS = {"lan": LAN, "5±2": JITTERY, "netem 5±2": NETEM, "asymmetric": ASYMMETRIC, "bursty and lossy": BURSTY_LOSSY}
WORST_PPB = 500_000  # what each clock may be wrong by; MAX_DRIFT_PPM is two of these against each other


def known(estimator: ClockEstimator, agent_ns: int) -> ClockEstimate:
    """The estimate at `agent_ns`, where there must be one."""
    estimate = estimator.at(agent_ns)
    assert estimate is not None
    return estimate


def contains(simulation: Simulation, true_ns: int) -> bool:
    """Whether the stated bound holds the true offset, to a billionth of a nanosecond."""
    estimate = known(simulation.estimator, simulation.agent.read(true_ns))
    return abs(estimate.offset_ns * EXACT - simulation.truth(true_ns)) <= estimate.bound_ns * EXACT


def still(path: Path = LAN, agent: SimulatedClock | None = None) -> Simulation:
    """Two perfect clocks, 42 s apart."""
    return Simulation(path, agent or SimulatedClock(), SimulatedClock(42 * NS_PER_S), random.Random(1))


def finish(simulation: Simulation, start_ns: int, duration_ns: int) -> int:
    """Run to the end; the true instant of the last reply."""
    return list(simulation.run(start_ns, duration_ns))[-1]


@st.composite
def clocks(draw: st.DrawFn) -> SimulatedClock:
    """Any clock within 500 ppm of true time, also one that goes from one extreme to the other at any moment."""
    rate = st.sampled_from([-WORST_PPB, WORST_PPB]) | st.integers(-WORST_PPB, WORST_PPB)
    changes = sorted(draw(st.lists(st.integers(1, 300 * NS_PER_S), max_size=4, unique=True)))
    return SimulatedClock(draw(st.integers(0, 10**18)), [(at, draw(rate)) for at in [0, *changes]])


@st.composite
def replies(draw: st.DrawFn, simulation: Simulation) -> list[Exchange]:
    """Exchanges with any delays, heard in any order, and some of them twice."""
    delay = st.sampled_from([0, 1, 50_000, 5 * NS_PER_MS]) | st.integers(0, 2 * NS_PER_S)
    asked = st.tuples(st.integers(0, 300 * NS_PER_S), delay, delay, delay)
    heard = [simulation.exchange(*one)[1] for one in draw(st.lists(asked, min_size=1, max_size=20))]
    return heard + heard[: draw(st.integers(0, 3))]


@settings(deadline=None)  # it would time the machine
@given(st.data(), clocks(), clocks(), st.integers(0, 400 * NS_PER_S))
def test_the_bound_contains_the_truth_every_time(
    data: st.DataObject, agent: SimulatedClock, controller: SimulatedClock, true_ns: int
) -> None:
    """With clocks within the assumption, any delays and any order, the bound holds at any instant, past or future."""
    simulation = Simulation(LAN, agent, controller, random.Random(0))
    for exchange in data.draw(replies(simulation)):
        simulation.estimator.add(exchange)
        assert contains(simulation, true_ns)
    assert 0 == simulation.estimator.resets


@settings(deadline=None)  # it would time the machine
@given(st.data(), clocks(), clocks(), st.integers(NS_PER_S, 400 * NS_PER_S))
def test_an_instant_of_the_controller_is_where_it_is_said_to_be(
    data: st.DataObject, agent: SimulatedClock, controller: SimulatedClock, true_ns: int
) -> None:
    """T0 on the controller's clock happens on the agent's within the stated bound of the stated instant."""
    simulation = Simulation(LAN, agent, controller, random.Random(0))
    for exchange in data.draw(replies(simulation)):
        simulation.estimator.add(exchange)
    answer = simulation.estimator.to_agent(controller.read(true_ns))
    assert answer is not None
    agent_ns, bound_ns = answer
    # both readings are rounded down, and the controller's by up to a nanosecond of its own
    assert abs(agent_ns - agent.read(true_ns)) <= bound_ns + 2


def test_the_coarseness_of_readings_is_within_the_bound() -> None:
    """With no delay at all the bound is a nanosecond, and it takes all of what rounding down did to the readings."""
    simulation = still(agent=SimulatedClock(0, rates=[(0, 300_000)]))
    for true_ns in range(0, 100_000, 50):
        simulation.estimator = ClockEstimator()
        simulation.estimator.add(simulation.exchange(true_ns, 0, 0, 0)[1])
        assert contains(simulation, true_ns)
        assert 1 == known(simulation.estimator, simulation.agent.read(true_ns)).bound_ns


@pytest.mark.parametrize("path", PATHS.values(), ids=PATHS)
def test_the_bound_holds_along_a_whole_run(path: Path) -> None:
    """On each kind of path, after every reply, and half a second later, the truth is inside."""
    for seed in range(5):
        rng = random.Random(seed)
        simulation = Simulation(path, *unrelated_clocks(rng, WORST_PPB), rng)
        for true_ns in simulation.run(0, 60 * NS_PER_S):
            assert contains(simulation, true_ns)
            assert contains(simulation, true_ns + NS_PER_S // 2)
        assert 0 == simulation.estimator.resets


def test_a_burst_shrinks_the_bound_to_half_the_least_round_trip() -> None:
    """Nothing but half the fastest round trip, drift since it, and a nanosecond of reading remain."""
    simulation = still(JITTERY)
    quick = 40 * NS_PER_MS
    simulation.estimator.add(simulation.exchange(quick, 75_000, 0, 75_000)[1])
    last = finish(simulation, 0, NS_PER_S // 10)
    bound = known(simulation.estimator, simulation.agent.read(last)).bound_ns
    assert 75_000 < bound <= 75_000 + MAX_DRIFT_PPM * (last - quick) // 10**6 + 2


def test_the_bound_grows_when_exchanges_stop() -> None:
    """A second later it is wider by exactly the greatest drift over a second; the old knowledge is never dropped."""
    simulation = still(SYMMETRIC_MS)
    last = simulation.agent.read(finish(simulation, 0, NS_PER_S // 10))
    bounds = [known(simulation.estimator, last + wait * NS_PER_S).bound_ns for wait in (0, 1, 2, 3600)]
    assert [MAX_DRIFT_PPM * 1_000 * wait for wait in (1, 2, 3600)] == [bound - bounds[0] for bound in bounds[1:]]


def test_an_instant_between_exchanges_becomes_better_known() -> None:
    """Exchanges after T0 tighten what was foretold of T0, so the start's skew can be proved afterwards."""
    simulation = still()
    t0 = finish(simulation, 0, NS_PER_S // 10) + 2 * NS_PER_S
    foretold = known(simulation.estimator, simulation.agent.read(t0)).bound_ns
    finish(simulation, t0, NS_PER_S // 10)
    assert foretold > 2 * NS_PER_MS > 200_000 > known(simulation.estimator, simulation.agent.read(t0)).bound_ns


def test_asymmetric_delay_makes_the_bound_large_not_wrong() -> None:
    """With 0.1 ms out and 10 ms back the estimate is 5 ms off, and says that it can be."""
    rng = random.Random(7)
    simulation = Simulation(ASYMMETRIC, *unrelated_clocks(rng), rng)
    error, bound = simulation.error_ns(finish(simulation, 0, NS_PER_S // 10))
    assert 4.9 * NS_PER_MS < error <= bound < 5.6 * NS_PER_MS


@pytest.mark.parametrize(
    ("path", "p50_ns", "p99_ns"), [(LAN, 10 * NS_PER_US, 50 * NS_PER_US), (JITTERY, 250 * NS_PER_US, NS_PER_MS)]
)
def test_the_point_is_far_better_than_its_bound(path: Path, p50_ns: int, p99_ns: int) -> None:
    """After a minute of exchanges the typical error is a fraction of the bound, also a second after the last one."""
    errors = []
    for seed in range(40):
        rng = random.Random(seed)
        simulation = Simulation(path, *unrelated_clocks(rng), rng)
        errors.append(simulation.error_ns(finish(simulation, 0, 60 * NS_PER_S) + NS_PER_S)[0])
    errors.sort()
    assert p50_ns > errors[len(errors) // 2]
    assert p99_ns > errors[-1]


def test_bursts_of_earlier_starts_make_a_later_one_better() -> None:
    """Among delays of 5 ± 2 ms the likeliest offset errs by a third less when the last few bursts still count."""
    errors_ns: list[list[int]] = []
    for seed in range(40):
        chance, estimator, now_ns = random.Random(seed), ClockEstimator(), NS_PER_S
        errors_ns.append([])
        for _ in range(5):
            for _ in range(64):
                up, down = (chance.randint(3 * NS_PER_MS, 7 * NS_PER_MS) for _ in range(2))
                estimator.add(Exchange(now_ns, now_ns + up, now_ns + up, now_ns + up + down))
                now_ns += chance.randint(30 * NS_PER_MS, 50 * NS_PER_MS)
            errors_ns[-1].append(known(estimator, now_ns + 2 * NS_PER_S).offset_ns)
            now_ns += 12 * NS_PER_S
    first, *_, last = (sum(error**2 for error in errors) for errors in zip(*errors_ns, strict=True))
    assert last < first / 2


def test_of_many_exchanges_the_quickest_of_the_past_are_kept() -> None:
    """Those that took long make room, except among the latest, of which nothing better is known yet."""
    estimator = ClockEstimator()
    for at in range(1, 1_201):
        delay_ns = NS_PER_MS if at % 10 == 0 else 5 * NS_PER_MS
        estimator.add(Exchange(at * NS_PER_MS, at * NS_PER_MS, at * NS_PER_MS, at * NS_PER_MS + delay_ns))
    old = [known for known in estimator._history if known.t1_ns < 800 * NS_PER_MS]
    assert 400 == len(estimator._history)
    assert 79 == sum(known.width_ns < 2 * NS_PER_MS for known in old)
    assert 200 == sum(known.t1_ns > 1_000 * NS_PER_MS for known in estimator._history)


@settings(deadline=None)  # it would time the machine
@given(st.data(), clocks(), clocks(), st.integers(0, 400 * NS_PER_S), st.integers(0, NS_PER_S))
def test_whether_a_bound_is_good_is_what_the_estimate_says(
    data: st.DataObject, agent: SimulatedClock, controller: SimulatedClock, at_ns: int, good_ns: int
) -> None:
    """The quick answer is the slow one's."""
    simulation = Simulation(LAN, agent, controller, random.Random(0))
    assert not simulation.estimator.within(good_ns, at_ns)
    for exchange in data.draw(replies(simulation)):
        simulation.estimator.add(exchange)
    estimate = known(simulation.estimator, at_ns)
    assert (estimate.bound_ns <= good_ns) == simulation.estimator.within(good_ns, at_ns)


def test_a_suspended_agent_is_noticed() -> None:
    """A clock that stood still for 3 s contradicts the past, which is forgotten and counted; the truth is back."""
    simulation = still(agent=SimulatedClock(10 * NS_PER_S, jumps=[(10 * NS_PER_S, -3 * NS_PER_S)]))
    finish(simulation, 0, 9 * NS_PER_S)
    last = finish(simulation, 11 * NS_PER_S, NS_PER_S // 10)
    estimate = known(simulation.estimator, simulation.agent.read(last))
    assert contains(simulation, last)
    assert 1 == estimate.resets
    assert 8 == estimate.exchanges
    assert "a clock jumped" in simulation.estimator.reset_cause


def test_after_a_jump_the_bound_is_as_wide_as_the_one_exchange_that_is_left() -> None:
    """The exchange that revealed the jump stands alone, so the bound is half its own round trip."""
    estimator = ClockEstimator()
    estimator.add(Exchange(0, 1_000, 1_000, 2_000))
    assert ExchangeOutcome.RESET is estimator.add(Exchange(NS_PER_S, 2 * NS_PER_S, 2 * NS_PER_S, NS_PER_S + 500_000))
    assert 250_002 + 501 >= known(estimator, NS_PER_S + 500_000).bound_ns >= 250_000


def test_an_exchange_that_was_under_way_during_a_jump_overthrows_nothing() -> None:
    """Its reply comes after that of a later exchange, and it is ignored, though it contradicts all others."""
    simulation = still(agent=SimulatedClock(10 * NS_PER_S, jumps=[(5 * NS_PER_S, -NS_PER_S)]))
    _, during = simulation.exchange(4 * NS_PER_S, NS_PER_S // 2, 0, 5 * NS_PER_S)
    before = [simulation.exchange(at * NS_PER_S, 0, 0, NS_PER_MS)[1] for at in (1, 2)]
    after = [simulation.exchange(at * NS_PER_S, 0, 0, NS_PER_MS)[1] for at in (7, 8)]
    outcomes = [simulation.estimator.add(exchange) for exchange in [*before, *after, during]]
    assert ["accepted", "accepted", "reset", "accepted", "ignored"] == outcomes
    assert contains(simulation, 9 * NS_PER_S)


def test_what_was_before_a_jump_is_not_answered_for() -> None:
    """No offset is stated for an instant before the last reset, nor for any before the first exchange is in."""
    estimator = ClockEstimator()
    assert estimator.at(0) is None
    assert estimator.to_agent(0) is None
    estimator.forget(NS_PER_S, "this host was suspended for 3 s")
    assert ExchangeOutcome.IGNORED is estimator.add(Exchange(NS_PER_S - 1, 0, 0, NS_PER_S + 1))
    assert ExchangeOutcome.ACCEPTED is estimator.add(Exchange(NS_PER_S, 0, 0, NS_PER_S + 1))
    assert estimator.at(NS_PER_S - 1) is None
    assert estimator.at(NS_PER_S) is not None
    assert "this host was suspended for 3 s" == estimator.reset_cause


@settings(deadline=None)  # it would time the machine
@given(st.data(), clocks(), clocks())
def test_a_clock_that_drifts_within_the_assumption_resets_nothing(
    data: st.DataObject, agent: SimulatedClock, controller: SimulatedClock
) -> None:
    """However late an exchange is heard, a healthy clock never looks like one that jumped."""
    simulation = Simulation(LAN, agent, controller, random.Random(0))
    outcomes = {simulation.estimator.add(exchange) for exchange in data.draw(replies(simulation))}
    assert ExchangeOutcome.RESET not in outcomes


def test_a_drift_beyond_the_assumption_is_noticed_as_soon_as_it_shows() -> None:
    """A clock slewed by 1 % contradicts itself after the first gap whose drift exceeds a round trip."""
    simulation = still(agent=SimulatedClock(0, rates=[(0, 10_000_000)]))
    finish(simulation, 0, 10 * NS_PER_S)
    assert simulation.estimator.resets >= 4


@pytest.mark.parametrize(
    "exchange",
    [Exchange(10, 0, 0, 9), Exchange(0, 10, 9, 10), Exchange(0, 0, NS_PER_S, NS_PER_S - 2_000_000)],
    ids=["the agent's clock ran backwards", "the controller's ran backwards", "held for longer than it was away"],
)
def test_an_exchange_that_cannot_be_is_ignored(exchange: Exchange) -> None:
    """Readings that no two clocks can give are counted and leave nothing behind."""
    estimator = ClockEstimator()
    assert ExchangeOutcome.IGNORED is estimator.add(exchange)
    assert 1 == estimator.ignored
    assert estimator.at(0) is None


def test_an_exchange_heard_twice_counts_once() -> None:
    """A repeated reply, also one that comes much later, changes nothing."""
    estimator = ClockEstimator()
    exchange = Exchange(0, 1_000, 1_000, 2_000)
    outcomes = [estimator.add(exchange), estimator.add(exchange)]
    assert [ExchangeOutcome.ACCEPTED, ExchangeOutcome.IGNORED] == outcomes
    assert 1 == known(estimator, 0).exchanges


def test_the_past_beyond_the_window_is_dropped() -> None:
    """What is older than the window before the newest exchange is neither kept nor accepted."""
    estimator = ClockEstimator(window_ns=NS_PER_S)
    old, new = Exchange(0, 0, 0, 0), Exchange(2 * NS_PER_S, 2 * NS_PER_S, 2 * NS_PER_S, 2 * NS_PER_S)
    assert ExchangeOutcome.ACCEPTED is estimator.add(old)
    assert ExchangeOutcome.ACCEPTED is estimator.add(new)
    assert 1 == known(estimator, 2 * NS_PER_S).exchanges
    assert ExchangeOutcome.IGNORED is estimator.add(dataclasses.replace(old, t4_ns=1))


def test_one_clock_has_no_offset() -> None:
    """Two processes that read the very same clock are 0 apart, with no doubt and no exchange."""
    estimator = ClockEstimator(same_clock=True)
    assert ClockEstimate(0, 0, 0, 0, 0, SAME_CLOCK) == estimator.at(123)
    assert (123, 0) == estimator.to_agent(123)


@settings(deadline=None)  # it would time the machine
@given(st.data(), clocks(), clocks(), st.integers(0, 400 * NS_PER_S))
def test_a_true_promise_tightens_and_never_misleads(
    data: st.DataObject, agent: SimulatedClock, controller: SimulatedClock, true_ns: int
) -> None:
    """With a promise that held when it was made, the bound is no wider than without, and still holds the truth."""
    simulation = Simulation(LAN, agent, controller, random.Random(0))
    for exchange in data.draw(replies(simulation)):
        simulation.estimator.add(exchange)
    at = agent.read(true_ns)
    low, high, _ = simulation.estimator._proven(at)
    promised_ns, error_ns = data.draw(st.integers(0, 400 * NS_PER_S)), data.draw(st.integers(0, NS_PER_MS))
    offset, made_at = simulation.truth(promised_ns) // EXACT, agent.read(promised_ns)
    low_ns, high_ns = offset - error_ns - 1, offset + error_ns + 1  # made_at is rounded to a nanosecond
    simulation.estimator.promise(Interval(low_ns, high_ns, made_at, "chrony on both hosts"))
    tight_low, tight_high, source = simulation.estimator._proven(at)
    assert low <= tight_low <= tight_high <= high
    assert contains(simulation, true_ns)
    assert (EXCHANGES if (low, high) == (tight_low, tight_high) else "chrony on both hosts") == source


def test_a_promise_that_exchanges_refute_is_not_believed() -> None:
    """A discipline that is wrong about itself does not shift the estimate, and the source says so."""
    simulation = still()
    last = simulation.agent.read(finish(simulation, 0, NS_PER_S // 10))
    before = known(simulation.estimator, last)
    simulation.estimator.promise(Interval(0, 10, last, "chrony on both hosts"))
    after = known(simulation.estimator, last)
    assert "exchanges, which refute chrony on both hosts" == after.source
    assert before == dataclasses.replace(after, source=EXCHANGES)


def test_a_promise_from_before_a_jump_is_not_believed() -> None:
    """What the wall clocks said of the offset before the agent slept is not what it is now."""
    simulation = still()
    simulation.estimator.forget(NS_PER_S, "this host was suspended for 3 s")
    last = simulation.agent.read(finish(simulation, 2 * NS_PER_S, NS_PER_S // 10))
    before = known(simulation.estimator, last)
    simulation.estimator.promise(Interval(before.offset_ns, before.offset_ns, NS_PER_S - 1, "chrony on both hosts"))
    assert before == known(simulation.estimator, last)


def test_offsets_of_centuries_are_exact() -> None:
    """Nothing is rounded as floating point would: instants near 2⁶² keep their nanoseconds."""
    estimator = ClockEstimator()
    far = 2**62
    for at in range(5):
        estimator.add(Exchange(at, far + at + 1, far + at + 1, at + 2))
    assert far == known(estimator, 4).offset_ns
    assert known(estimator, 4).bound_ns <= 3
