"""Every queueing discipline under load: the core and the reference agree, and each does what it is for."""

from __future__ import annotations

import random
from itertools import pairwise
from typing import Any

import pytest
from model.halves import ADMITTED, AQM, CE, ECT_0, ECT_1, NOT_ECT, QUEUE_FULL, armed, discipline, impairing, row

from plctl.agent.native import HalfArguments
from plctl.agent.native._core import Half
from plctl.common.base.units import NS_PER_MS, NS_PER_S
from plctl.common.reference.disciplines import DISCIPLINES
from plctl.common.reference.half import Reference

MBIT = 10**6
RATE = 10 * MBIT  #: a frame of 1250 bytes takes a millisecond
FRAME = 1250
#: With these each decides much within a second; one that is not here has its defaults, and may decide little.
EAGER: dict[Any, dict[str, int]] = {
    "droptail": {}, "drophead": {}, "red": {"weight": 20_000, "ecn": 1, "adaptive": 1},
    "codel": {"interval": 20 * NS_PER_MS, "ecn": 1},
    "fq_codel": {"interval": 20 * NS_PER_MS, "flows": 8, "drop_batch": 3},
    "pie": {"max_burst": 30 * NS_PER_MS, "ecn": 1, "alpha": 10**6, "beta": 10**7}, "dualpi2": {},
}  # fmt: skip


def arguments(name: Any, seed: int) -> HalfArguments:
    """A half whose rate rises and falls, with an outage, and with a queue of 60 frames."""
    return {
        "rows": [row(0, 5 * NS_PER_MS, RATE), row(200 * NS_PER_MS, 5 * NS_PER_MS, 4 * MBIT),
                 row(400 * NS_PER_MS, 5 * NS_PER_MS, 0), row(450 * NS_PER_MS, 5 * NS_PER_MS, 12 * MBIT)],
        "routes": 1, "period_ns": 600 * NS_PER_MS, "capacity_unit": "packets", "capacity_amount": 60,
        "full_frame": 1514, "reconfiguration_ns": 0, "reconfiguration_mode": "gsl",
        "queue": discipline(name, **EAGER.get(name, {})), "impairments": impairing(), "key": seed,
    }  # fmt: skip


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("name", [*DISCIPLINES, "pie with an estimator"])
def test_the_core_and_the_reference_agree_under_load(name: str, seed: int) -> None:
    """On each frame's fate, when it met it, and whether it was marked; every kind of fate occurs."""
    made = arguments(name.partition(" ")[0], seed)
    if "estimator" in name:
        made["queue"] |= {"dq_rate_estimator": 1, "ecn": 0}
    both = Half(**made), Reference(**made)
    dice, clock = random.Random(seed), 0
    for half in both:
        half.arm(0)
    verdicts = []
    for number in range(700):
        clock += dice.randrange(10 * NS_PER_MS) // 10 if number % 200 else 60 * NS_PER_MS
        frame = (dice.choice([60, 1514]), dice.randrange(4), dice.randrange(5))
        fates = [half.arrive(clock, *frame) for half in both]
        assert fates[0] == fates[1]
        verdicts.append(fates[0][0])
    for half in both:
        half.advance(clock + 5 * NS_PER_S)
    dropped = both[0].dropped()
    assert both[1].dropped() == dropped
    assert both[1].pop(clock + 5 * NS_PER_S) == both[0].pop(clock + 5 * NS_PER_S)
    assert both[1].marked() == both[0].marked()
    if name.partition(" ")[0] not in EAGER:
        return
    found = {*verdicts, *(verdict for _, verdict, _ in dropped)}
    assert ({ADMITTED, QUEUE_FULL} if name in ("droptail", "drophead") else {ADMITTED, QUEUE_FULL, AQM}) >= found
    assert (AQM in found) == (name not in ("droptail", "drophead"))
    assert (both[0].marked()[0] > 0) == (name in DISCIPLINES and name not in ("droptail", "drophead"))


def flood(half: Half, begin: int, frames: int, gap: int, *, ecn: int = NOT_ECT, length: int = FRAME) -> list[int]:
    """Verdicts on frames that come at equal distances."""
    return [half.arrive(begin + number * gap, length, ecn)[0] for number in range(frames)]


@pytest.mark.parametrize("name", ["pie", "dualpi2", "red"])
def test_the_state_that_telemetry_tells_decays_while_the_queue_is_idle(name: Any) -> None:
    """Without a frame that comes; and looking at it changes nothing of what comes after."""
    looked, untouched = (armed(row(0, 0, RATE), queue=discipline(name, **EAGER[name]), key=1) for _ in range(2))
    for half in (looked, untouched):
        flood(half, 0, 2000, 700_000)
    seen = [(looked.aqm_ppm(), looked.aqm_average())]
    for second in range(2, 60):
        looked.advance(second * NS_PER_S)
        seen.append((looked.aqm_ppm(), looked.aqm_average()))
    shares, averages = zip(*seen, strict=True)
    assert sorted(shares, reverse=True) == [*shares]
    assert shares[0] > shares[-1]
    assert sorted(averages, reverse=True) == [*averages]
    assert (averages[0] > 0, averages[-1]) == (name == "red", 0)
    assert flood(untouched, 60 * NS_PER_S, 500, 700_000) == flood(looked, 60 * NS_PER_S, 500, 700_000)


class TestPie:
    """Frames of a millisecond, RFC 8033's defaults."""

    def test_drops_a_fifth_of_a_constant_overload_of_a_quarter(self) -> None:
        """At 1.25 times the rate, a probability of 0.2 keeps the queue as it is, with the delay at the target."""
        half = armed(row(0, 0, RATE), queue=discipline("pie"), key=1)
        flood(half, 0, 40_000, 800_000)
        verdicts = flood(half, 32 * NS_PER_S, 40_000, 800_000)
        assert 0.195 < verdicts.count(AQM) / len(verdicts) < 0.205
        assert 185_000 < half.aqm_ppm() < 215_000
        assert QUEUE_FULL not in verdicts
        assert 5 < half.gauges()[1] < 30, "of frames that wait, where 15 are the target"

    def test_estimates_the_rate_if_it_is_to(self) -> None:
        """From departures of 16 KiB; the constant overload is met by the same probability, with the same delay."""
        half = armed(row(0, 0, RATE), queue=discipline("pie", dq_rate_estimator=1), key=1)
        flood(half, 0, 80_000, 800_000)
        assert 185_000 < half.aqm_ppm() < 215_000
        assert 5 < half.gauges()[1] < 30

    def test_lets_a_burst_of_150_ms_pass(self) -> None:
        """It begins with a tick of the timer: ten intervals later frames are dropped, not before."""
        half = armed(row(0, 0, RATE), queue=discipline("pie"), key=1)
        verdicts = flood(half, 1000 * 15 * NS_PER_MS, 2000, 500_000)
        first = verdicts.index(AQM) * 500_000
        assert 150 * NS_PER_MS <= first < 400 * NS_PER_MS

    @pytest.mark.parametrize(("pause_ms", "spared"), [(60, False), (10_000, True)])
    def test_forgets_congestion_while_idle(self, pause_ms: int, spared: bool) -> None:
        """After a long pause the probability is gone and the allowance for bursts is back; after a short one not."""
        half = armed(row(0, 0, RATE), queue=discipline("pie"), key=1)
        flood(half, 0, 10_000, 500_000)
        begin = 5 * NS_PER_S + (half.gauges()[1] + pause_ms) * NS_PER_MS
        half.advance(begin)
        assert half.gauges()[1] == 0
        assert spared == (AQM not in flood(half, begin, 280, 500_000))
        assert (half.aqm_ppm() > 100_000) != spared

    def test_drops_what_it_could_mark_when_congestion_is_heavy(self) -> None:
        """Until the probability is 10 % frames are marked and none is dropped; then ECN is no way out."""
        firsts, marked = [], []
        for ecn in (NOT_ECT, ECT_0):
            half = armed(row(0, 0, RATE), queue=discipline("pie", ecn=1), key=1)
            arrivals = (half.arrive(number * 900_000, FRAME, ecn)[0] for number in range(10_000))
            firsts.append(next(number for number, verdict in enumerate(arrivals) if verdict == AQM))
            marked.append(half.marked()[0])
        assert firsts[0] < firsts[1]
        assert 0 == marked[0] < marked[1]


class TestDualPi2:
    """RFC 9332: p_C = p′² and p_L = k · p′ of one base probability."""

    def test_couples_the_queues(self) -> None:
        """With p′ held at 0.1 a hundredth of the classic frames are marked, and a fifth of the L4S frames.

        The integral gain is 0 and the delay constant: p′ is the proportional gain, 4 Hz, times 25 ms.
        """
        held = discipline("dualpi2", alpha=0, beta=4_000_000, step_thresh=1000 * NS_PER_S)
        half = armed(row(0, 0, RATE), queue=held, key=3)
        classic, low = set(range(26)), set()
        flood(half, 0, 26, 0, ecn=ECT_0)
        for number in range(1, 20_000):
            half.arrive(number * NS_PER_MS, FRAME - (number % 5 == 0), ECT_0)
            classic.add(len(classic) + len(low))
            if number % 5 == 0:
                half.arrive(number * NS_PER_MS + 500_000, 1, ECT_1)
                low.add(len(classic) + len(low))
        assert 100_000 - 1 == half.aqm_ppm(), "all changes are rounded down"
        half.pop(20 * NS_PER_S)
        marked = set(half.marked()[1])
        assert 0.008 < len(marked & classic) / len(classic) < 0.0125
        assert 0.18 < len(marked & low) / len(low) < 0.23

    def test_serves_l4s_frames_first_but_not_alone(self) -> None:
        """Of two queues that never empty the classic one gets a tenth of the bytes."""
        half = armed(row(0, 0, RATE), queue=discipline("dualpi2", alpha=0, beta=0), key=1)
        for ecn in (ECT_0, ECT_1):
            flood(half, 0, 400, 0, ecn=ecn)
        served = [number for number, *_ in half.pop(300 * NS_PER_MS)]
        assert 25 <= sum(number < 400 for number in served) <= 35
        assert [0, 400, 401] == served[:3], "the first was in service before any other came"

    def test_marks_l4s_frames_that_waited_longer_than_the_step(self) -> None:
        """At service: those that have waited a millisecond or less are let be."""
        half = armed(row(0, 0, RATE), queue=discipline("dualpi2", alpha=0, beta=0), key=1)
        flood(half, 0, 4, 0, ecn=ECT_1)
        half.pop(NS_PER_S)
        assert (2, [2, 3]) == half.marked()

    def test_takes_congestion_experienced_for_l4s(self) -> None:
        """CE may have been ECT(1): it is served first, and is no new mark."""
        half = armed(row(0, 0, RATE), queue=discipline("dualpi2"), key=1)
        for ecn in (NOT_ECT, ECT_0, CE):
            half.arrive(0, FRAME, ecn)
        assert [0, 2, 1] == [number for number, *_ in half.pop(NS_PER_S)]
        assert 0 == half.marked()[0]

    @pytest.mark.parametrize(("pause_ms", "spared"), [(1, False), (60_000, True)])
    def test_forgets_congestion_while_idle(self, pause_ms: int, spared: bool) -> None:
        """The probability has gone after a long pause, not after a short one."""
        half = armed(row(0, 0, RATE), queue=discipline("dualpi2"), key=1)
        flood(half, 0, 10_000, 500_000)
        half.advance(30 * NS_PER_S)
        half.dropped()
        flood(half, 30 * NS_PER_S, 4000, 500_000)
        begin = 32 * NS_PER_S + (half.gauges()[1] + pause_ms) * NS_PER_MS
        half.advance(begin)
        half.dropped()
        flood(half, begin, 20, 500_000)
        half.advance(begin + NS_PER_S)
        assert spared == (not half.dropped())


class TestFqCodel:
    """RFC 8290: flows share, and those that begin come first."""

    def test_flows_share_evenly_whatever_they_send(self) -> None:
        """One sends twice what the other does: of each the same number of bytes is served."""
        half = armed(row(0, 0, RATE), queue=discipline("fq_codel"), key=1)
        for number in range(3000):
            for flow in (1, 1, 2):
                half.arrive(number * NS_PER_MS, FRAME, NOT_ECT, flow)
        first = sum(number % 3 < 2 for number, *_ in half.pop(3 * NS_PER_S))
        assert abs(first - 1500) < 15

    def test_a_flow_that_begins_is_served_first(self) -> None:
        """A lone frame passes all that wait; it is served when the one in service is through."""
        half = armed(row(0, 0, RATE), queue=discipline("fq_codel"), key=1)
        for _ in range(50):
            half.arrive(0, FRAME, NOT_ECT, 1)
        half.advance(10 * NS_PER_MS + 1)
        half.arrive(10 * NS_PER_MS + 1, FRAME, NOT_ECT, 2)
        (start,) = [start for number, _, start, *_ in half.pop(NS_PER_S) if number == 50]
        assert start <= 13 * NS_PER_MS

    def test_the_fattest_flow_loses_where_there_is_no_room(self) -> None:
        """Half of its bytes, from its head, 64 frames at most; the others lose nothing."""
        half = armed(row(0, 0, RATE), queue=discipline("fq_codel"), capacity_unit="packets", capacity_amount=100)
        for _ in range(99):
            half.arrive(0, FRAME, NOT_ECT, 1)
        half.arrive(0, FRAME, NOT_ECT, 2)
        half.arrive(0, FRAME, NOT_ECT, 2)
        assert [(number, QUEUE_FULL, 0) for number in range(1, 50)] == half.dropped()


class TestRed:
    """Floyd and Jacobson: by the average length of the queue, between two thresholds."""

    SET_UP = {"min": 5 * FRAME, "max": 15 * FRAME, "probability": 100_000, "weight": 1_000_000}  # noqa: RUF012

    def test_drops_nothing_below_min_and_everything_above_max(self) -> None:
        """With a weight of 1 the average is the queue itself."""
        half = armed(row(0, 0, RATE), queue=discipline("red", **self.SET_UP), key=1)
        verdicts = flood(half, 0, 400, 0)
        assert {ADMITTED} == set(verdicts[:6])
        assert half.gauges()[1] <= 16
        assert {AQM} == set(verdicts[-100:])

    def test_spreads_drops_evenly(self) -> None:
        """At half-way p_b is 0.05: between two drops are 1 to 20 frames, in the mean 10.5 (uniform, 1/p_b at most)."""
        half = armed(row(0, 0, RATE), queue=discipline("red", **self.SET_UP), key=1)
        verdicts = flood(half, 0, 12, 0)
        for ms in range(1, 20_000):
            half.advance(ms * NS_PER_MS)
            while half.gauges()[1] < 12:  # ten wait in front of the next
                verdicts.append(half.arrive(ms * NS_PER_MS, FRAME)[0])
        gaps = [b - a for a, b in pairwise(number for number, verdict in enumerate(verdicts) if verdict == AQM)]
        assert max(gaps) <= 20
        assert 9.5 < sum(gaps) / len(gaps) < 11.5

    def test_a_long_pause_empties_the_average(self) -> None:
        """What was congested before a second of silence is not any more, with the default weight."""
        half = armed(row(0, 0, RATE), queue=discipline("red", min=5 * FRAME, max=15 * FRAME), key=1)
        assert AQM in flood(half, 0, 4000, 500_000)
        begin = 2 * NS_PER_S + half.gauges()[1] * NS_PER_MS
        half.advance(begin + 10 * NS_PER_S)
        assert AQM not in flood(half, begin + 10 * NS_PER_S, 20, 0)

    def test_adaptive_red_keeps_the_average_between_the_thresholds(self) -> None:
        """Fixed at 1 % the probability is too small for the load, and the queue stays at max; adapted it is enough."""
        lengths = []
        for adaptive in (0, 1):
            set_up = {"min": 20 * FRAME, "max": 60 * FRAME, "probability": 10_000, "adaptive": adaptive}
            half = armed(row(0, 0, RATE), queue=discipline("red", **set_up), key=1)
            flood(half, 0, 80_000, 870_000)
            lengths.append(half.gauges()[1])
        assert lengths[0] > 55
        assert 30 < lengths[1] < 50
