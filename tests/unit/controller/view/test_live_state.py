"""What is shown of a run that is asked for now and then: nothing is missed between two questions."""

from __future__ import annotations

from support.synthetic_run import handover_plan

from plctl.common.base.units import NS_PER_S
from plctl.common.protocol import requests as rq
from plctl.controller.view.live_model import LiveModel
from plctl.controller.view.live_state import apply_state

INFO = rq.RunInfo("r", "r", "running", "ada", "", 1, ("edge-1",))


def values(**changes: int) -> tuple[int, ...]:
    """`LIVE_COLUMNS`, all zero but `changes`."""
    return tuple(changes.get(name, 0) for name in rq.LIVE_COLUMNS)


def state(cause: str = "", **changes: int) -> rq.RunState:
    """A run with one link whose directions both have `changes`."""
    half = values(**changes) if changes else ()
    return rq.RunState(INFO, 0, 5, 6, (rq.LinkState("leo-0", "edge-1", "started", cause, half, half),))


def model() -> LiveModel:
    """A run with that link, of which nothing is known yet."""
    return LiveModel([handover_plan()])


def test_rates_follow_from_two_answers() -> None:
    """However far they lie apart: bytes between them by the time between their samples."""
    shown = model()
    before = state(t_ns=NS_PER_S, served_bytes=1_000)
    apply_state(shown, before, state(t_ns=3 * NS_PER_S, served_bytes=251_000, row=2, dropped_queue_full_packets=7))
    line = shown.links["leo-0"]
    assert (1_000_000, 2, 14, "started") == (line.up.carried_bps, line.up.row, line.dropped, line.state)


def test_an_answer_without_a_new_sample_keeps_the_rate() -> None:
    """Asking more often than samples come does not make a link look idle."""
    shown = model()
    first, second = state(t_ns=0, served_bytes=0), state(t_ns=NS_PER_S, served_bytes=1000)
    apply_state(shown, first, second)
    apply_state(shown, second, second)
    assert 8_000 == shown.links["leo-0"].up.carried_bps


def test_before_the_first_sample_the_first_row_is_shown() -> None:
    """As the plan has it."""
    shown = model()
    apply_state(shown, None, state())
    assert (0, 8_000_000) == (shown.links["leo-0"].up.row, shown.links["leo-0"].up.rate_bps)


def test_a_link_that_goes_wrong_is_told_once() -> None:
    """The first cause is kept, and returned only when it is new."""
    shown = model()
    assert ["no carrier"] == [link.cause for link in apply_state(shown, None, state("no carrier"))]
    assert [] == apply_state(shown, None, state("something later"))
    assert "no carrier" == shown.links["leo-0"].cause


def test_what_the_machine_lost_is_told_whatever_the_cause() -> None:
    """Ring, send, memory and lateness of both directions together."""
    shown = model()
    apply_state(shown, None, state(lost_ring=1, lost_send=2, lost_memory=4, lost_late=8))
    assert 30 == shown.links["leo-0"].lost
