"""Brings what is shown of a run up to date from the answers to `ReadRun`; pure, so it needs no controller to test.

Counts in an answer are sums since the start and rates follow from two answers, so how often is asked does not matter.
"""

from __future__ import annotations

from collections.abc import Sequence

from plctl.common.base.units import NS_PER_S
from plctl.common.protocol.requests import LIVE_COLUMNS, LinkState, RunState
from plctl.common.telemetry.counters import CAUSES, CounterGroup, total
from plctl.common.telemetry.samples import MEASURED_COLUMNS
from plctl.controller.view.live_model import HalfNow, LinkNow, LiveModel


def apply_state(model: LiveModel, before: RunState | None, after: RunState) -> list[LinkState]:
    """Let `model` show the links of `after`, the answer that followed `before`; those that have gone wrong since."""
    model.t0_ns = after.t0_ns or None  # on the controller's clock
    model.waits = after.waits
    earlier = {link.link: link for link in before.links} if before else {}
    wrong = []
    for link in after.links:
        if line := model.links.get(link.link):
            if link.cause and not line.cause:
                wrong.append(link)
            _apply_link(line, earlier.get(link.link), link)
    return wrong


def _apply_link(line: LinkNow, before: LinkState | None, after: LinkState) -> None:
    line.state, line.cause = after.state, line.cause or after.cause
    _apply_half(line.up, before.up if before else (), after.up)
    _apply_half(line.down, before.down if before else (), after.down)


def _apply_half(half: HalfNow, before: Sequence[int], after: Sequence[int]) -> None:
    if len(after) != len(LIVE_COLUMNS):  # no sample yet
        return
    now = named(after)
    half.row, half.delay_ns, half.rate_bps = now["row"], now["delay_ns"], now["rate_bps"]
    half.queue_bytes, half.lateness_p99_ns = now["queue_bytes"], now["lateness_p99_ns"]
    half.drops = tuple(now[name] for name in CAUSES[CounterGroup.DROPPED])
    half.marked, half.lost = total(now, CounterGroup.MARKED), total(now, CounterGroup.LOST)
    half.aqm_ppm = now["aqm_ppm"]
    then = named(before) if len(before) == len(LIVE_COLUMNS) else {}
    if then and (passed_ns := now["t_ns"] - then["t_ns"]) > 0:
        half.carried_bps = 8 * (now["served_bytes"] - then["served_bytes"]) * NS_PER_S // passed_ns


def as_json(values: Sequence[int]) -> dict[str, int | None] | None:
    """The same for machines: null where no frame was measured, and for all where no sample has come."""
    if not values:
        return None
    return {name: None if name in MEASURED_COLUMNS and n < 0 else n for name, n in named(values).items()}


def named(values: Sequence[int]) -> dict[str, int]:
    """The values of `LinkState.up` or `.down` by their names."""
    return dict(zip(LIVE_COLUMNS, values, strict=True))
