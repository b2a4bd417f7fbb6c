"""What queue and path did is drawn by cause, and only what there was; the queue's own state where it has one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from support.html_reader import read
from support.synthetic_run import handover_plan

from plctl.common.plan.run_plan import Queue
from plctl.common.scenario.schedule import DIRECTIONS
from plctl.controller.report import link_plots, path_plots
from plctl.controller.report.link_plots import LinkCurves
from plctl.controller.report.path_plots import DROPS, PATH
from plctl.controller.report.series import Measured, asked

POINTS = 20
UNTIL_S = 2.0
EVERY = (*DROPS, *PATH)


def curves(queue: Queue | None = None, **changes: Any) -> LinkCurves:
    """Two seconds of a link on which nothing happened, but for `changes` of what was measured up."""
    plan = handover_plan()
    plan = replace(plan, queue=queue) if queue else plan
    calm = Measured(*(np.zeros(POINTS) for _ in range(len(Measured.__slots__))))
    end_s = np.linspace(0.1, UNTIL_S, POINTS)
    calm = replace(calm, start_s=end_s - 0.1, end_s=end_s, carried_bps=np.ones(POINTS))
    seen = {"up": replace(calm, **{name: np.full(POINTS, value) for name, value in changes.items()}), "down": calm}
    return LinkCurves(plan, {way: asked(getattr(plan, way), UNTIL_S) for way in DIRECTIONS}, seen, UNTIL_S, 10**6)


@pytest.mark.parametrize("kinds", [DROPS, PATH])
def test_where_nothing_happened_nothing_is_drawn(kinds: tuple[path_plots.Layer, ...]) -> None:
    """No axes without a bar."""
    assert "" == path_plots.layers(curves(), kinds, "drops")


@pytest.mark.parametrize("layer", EVERY, ids=[each.field for each in EVERY])
def test_each_cause_has_a_colour_of_its_own_in_its_plot(layer: path_plots.Layer) -> None:
    """It is drawn in that colour, and counted."""
    kinds = DROPS if layer in DROPS else PATH
    found = curves(**{layer.field: 3.0})
    assert 3 * POINTS == layer.total(found)
    plot = path_plots.layers(found, kinds, "drops")
    colours = {f"var(--{name})" for name in ("measured", "worse", "bad", "asked") if f"fill: var(--{name})" in plot}
    assert len({each.colour for each in kinds}) == len(kinds)
    assert (layer.field == "duplicated") == (not colours), "copies are drawn in the colour of secondary things"
    assert len(colours) <= 1


def test_causes_lie_on_each_other() -> None:
    """The height of a bar is all of them: the axis reaches beyond the sum."""
    plot = path_plots.layers(curves(queue_full=30.0, managed=40.0, lost=50.0), DROPS, "drops")
    assert "125" in read(plot).text.split()


@pytest.mark.parametrize(("name", "words"), [("pie", "PIE's probability"), ("codel", "dropping state")])
def test_the_state_of_a_discipline_is_drawn_in_percent(name: Any, words: str) -> None:
    """And the caption says what it is, for either direction."""
    queue = Queue(name)
    plot = read(path_plots.state(curves(queue, aqm_share=0.25))).text
    assert "queue management, %" in plot
    assert words in path_plots.state_words(curves(queue).plan)
    both = replace(curves(queue).plan, queue_down=Queue("droptail"))
    assert path_plots.has_state(both)
    assert path_plots.state_words(both).endswith("; down: a queue without a state.")


def test_a_queue_without_a_state_has_no_panel_of_it() -> None:
    """Drop-tail and drop-head have none; and a state that was always 0 is a sentence, no plot."""
    assert not path_plots.has_state(curves(Queue("droptail")).plan)
    assert not path_plots.has_state(curves(Queue("drophead")).plan)
    assert "" == path_plots.state(curves(Queue("pie")))


def test_red_s_average_is_drawn_with_the_queue() -> None:
    """In a colour of its own, only where there is one."""
    assert "stroke: var(--worse)" in link_plots.queue(curves(queue_bytes=9000.0, average_bytes=8000.0))
    assert "stroke: var(--worse)" not in link_plots.queue(curves(queue_bytes=9000.0))
