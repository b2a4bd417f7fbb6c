"""A tap keeps the samples of the links that a reader follows, and no more of them than a bound."""

from __future__ import annotations

import numpy as np
from support.synthetic_run import HOST, T0_NS, half_samples, handover_plan, packed, plan_record, steady

from plctl.common.telemetry.samples import Samples
from plctl.controller.service.run_view import RunView
from plctl.controller.web.streams.sample_tap import SampleTap

_T0 = {HOST: T0_NS}


def samples(link: str) -> Samples:
    """140 samples of one direction."""
    return packed(half_samples(handover_plan(link), "up", steady(2_000_000, 1242), 1))


def view() -> RunView:
    """Of a run of two links."""
    return RunView(plan_record((handover_plan("a"), handover_plan("b"))))


def test_what_came_is_taken_once() -> None:
    """Of the links that were asked for, in the columns of a plot."""
    tap, seen = SampleTap(["a"]), view()
    tap.attach(seen)
    seen.samples(HOST, samples("a"))
    seen.samples(HOST, samples("b"))
    (document,) = tap.take(_T0, lambda _: HOST)
    assert ("a", [], 140) == (document["link"], document["down"]["end_s"], len(document["up"]["end_s"]))
    assert np.allclose(np.arange(1, 141) / 10, document["up"]["end_s"])
    assert [] == tap.take(_T0, lambda _: HOST)
    tap.attach(None)
    assert [] == seen.listeners


def test_who_takes_nothing_loses_the_oldest() -> None:
    """Memory does not grow; how many went is told once."""
    tap, seen = SampleTap(["a", "b"], most=300), view()
    tap.attach(seen)
    for _ in range(10):
        seen.samples(HOST, samples("a"))
        seen.samples(HOST, samples("b"))
    kept = sum(len(each["up"]["end_s"]) for each in tap.take(_T0, lambda _: HOST))
    assert 280 == kept
    assert (20 * 140 - kept, 0) == (tap.take_dropped(), tap.take_dropped())


def test_before_t0_is_known_nothing_is_told() -> None:
    """A sample has no place in a plot then."""
    tap, seen = SampleTap(["a"]), view()
    tap.attach(seen)
    seen.samples(HOST, samples("a"))
    assert [] == tap.take({}, lambda _: HOST)
