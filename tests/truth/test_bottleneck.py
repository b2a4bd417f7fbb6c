"""The judge's model contains the truth whatever the arrivals were, and says nothing is certain that is not."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate

from hypothesis import given
from hypothesis import strategies as st

from plctl.common.plan.half_impairments import native_impairments
from plctl.common.plan.impairments import Impairments
from plctl.common.reference.half import UNLIMITED, Reference
from truth.bottleneck import Admission, Bottleneck, Capacity, Queue, Span
from truth.path import Path, Row

T0 = 1000
LAST = 10**15


@dataclass(frozen=True)
class Half:
    """A direction in a small world, in which everything coincides all the time."""

    rows: tuple[Row, ...]
    capacity: Capacity
    mtu: int
    blackout_ns: int
    mode: str

    def path(self) -> Path:
        return Path(self.rows, T0, self.blackout_ns, self.mode)

    def bottleneck(self) -> Bottleneck:
        return Bottleneck(self.path(), Queue(self.capacity, mtu=self.mtu))

    def reference(self) -> Reference:
        """The product's oracle, which the judge does not know of."""
        reference = Reference(
            rows=[
                (r.time_ns, r.delay_ns, UNLIMITED if r.rate_bps is None else r.rate_bps, -1, r.route) for r in self.rows
            ],
            routes=3,
            period_ns=0,
            capacity_unit=self.capacity.unit,
            capacity_amount=self.capacity.amount,
            full_frame=self.mtu + 14,
            reconfiguration_ns=self.blackout_ns,
            reconfiguration_mode=self.mode,
            queue={"name": "droptail"},
            impairments=native_impairments(Impairments(), jitters=False),
            key=0,
        )
        reference.arm(T0)
        return reference


_SPEEDS = st.sampled_from([0, 10**9, 8 * 10**9, 16 * 10**9, None])


@st.composite
def halves(draw: st.DrawFn) -> Half:
    """A direction whose last row is no outage."""
    times = (0, *accumulate(draw(st.lists(st.integers(1, 15), max_size=5))))
    rows = [Row(t, draw(st.integers(0, 2)), draw(st.integers(0, 40)), draw(_SPEEDS)) for t in times]
    rows[-1] = Row(times[-1], rows[-1].route, rows[-1].delay_ns, rows[-1].rate_bps or 8 * 10**9)
    capacity = draw(
        st.builds(Capacity, st.just("packets"), st.integers(1, 5))
        | st.builds(Capacity, st.just("bytes"), st.integers(1, 30))
        | st.builds(Capacity, st.just("bdp"), st.sampled_from([500_000, 2_000_000]))
    )
    return Half(
        tuple(rows), capacity, draw(st.integers(0, 3)), draw(st.integers(0, 10)), draw(st.sampled_from(["gsl", "all"]))
    )


#: How long after the one before a frame leaves, how long it is under way, and its length.
frames = st.lists(st.tuples(st.integers(0, 8), st.integers(0, 5), st.integers(1, 10)), min_size=1, max_size=25)


def play(half: Half, departures: list[tuple[int, int, int]], doubt_ns: int) -> list[tuple[Span, int, bool, int | None]]:
    """(arrival as the judge knows it, length, whether it is admitted, when it is due) of each frame, by the oracle."""
    reference, at, left, seen = half.reference(), 0, T0 - 20, []
    for gap, way, length in departures:
        left += gap
        at = max(at, left + min(way, doubt_ns))
        verdict, _ = reference.arrive(at, length)
        seen.append((Span(left, max(left + doubt_ns, at)), length, verdict == 0))
    due = {number: due for number, _, _, _, due in reference.pop(LAST)}
    return [(*one, due.get(number)) for number, one in enumerate(seen)]


@given(halves(), frames, st.integers(0, 5))
def test_truth_lies_within_what_the_judge_says(
    half: Half, departures: list[tuple[int, int, int]], doubt_ns: int
) -> None:
    """Whenever frames arrive within the doubt: none is called lost, forced, early or late that is not."""
    judge = half.bottleneck()
    for at, length, admitted, due in play(half, departures, doubt_ns):
        said = judge.arrive(at, length)
        assert said in (Admission.EITHER, Admission.ADMITTED if admitted else Admission.DROPPED)
        if admitted:
            span = judge.admit()
            assert due is not None
            assert span.lo <= due <= span.hi


@given(halves(), frames)
def test_without_doubt_everything_is_certain(half: Half, departures: list[tuple[int, int, int]]) -> None:
    """Where arrivals are known to the nanosecond, so is every fate: the judge agrees with the oracle exactly."""
    judge = half.bottleneck()
    for at, length, admitted, due in play(half, departures, 0):
        assert judge.arrive(at, length) is (Admission.ADMITTED if admitted else Admission.DROPPED)
        if admitted:
            assert judge.admit() == Span(due, due)


def test_in_a_full_queue_wrong_drops_are_found_beyond_the_doubt() -> None:
    """However long a link is overloaded, as many frames are certain as a queue without doubt would have, but few."""
    half = Half((Row(0, 0, 10**7, 8 * 10**6),), Capacity("packets", 20), 1500, 0, "gsl")
    judge, wrong = half.bottleneck(), 0
    for number in range(4000):
        at = Span(T0 + number * 500_000, T0 + number * 500_000 + 2_000_000)
        admission = judge.arrive(at, 1000)
        if admission is Admission.ADMITTED or (admission is Admission.EITHER and number % 3 == 0):
            judge.admit()
            wrong += admission is Admission.ADMITTED and number % 3 != 0
    assert wrong > 4000 * (1 / 2 - 1 / 3) * 0.8  # a half is admitted, if every third comes out the rest is wrong
