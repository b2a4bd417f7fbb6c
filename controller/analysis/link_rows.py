"""One row for a link: who carried it, how it was judged, and what its directions did over the whole run."""

from __future__ import annotations

from typing import Any

from plctl.common.base.units import NS_PER_S
from plctl.common.protocol.messages import DirectionResult
from plctl.common.scenario.schedule import DIRECTIONS
from plctl.common.telemetry.counters import COUNTERS
from plctl.controller.results.run_record import LinkRecord

_TIMES = ("lateness_p50_ns", "lateness_p99_ns", "lateness_max_ns")


def link_row(link: LinkRecord) -> dict[str, Any]:
    """The row of `link`. What is not known is None."""
    row: dict[str, Any] = {
        "link": link.plan.name,
        "host": link.host,
        "link_verdict": link.verdict or None,
        "link_cause": link.cause or None,
        "skew_ns": link.skew_ns,
    }
    for direction in DIRECTIONS:
        result: DirectionResult | None = getattr(link.result, direction) if link.result else None
        row |= {f"{direction}_{name}": value for name, value in _counted(result).items()}
        row[f"{direction}_delivered_bps"] = _rate_bps(link, result)
    return row


def _counted(result: DirectionResult | None) -> dict[str, int | None]:
    counted: dict[str, int | None] = {name: getattr(result, name, None) for name in COUNTERS}
    counted |= {"dropped_packets": result.dropped if result else None, "lost_packets": result.lost if result else None}
    for name in _TIMES:
        value = getattr(result, name, -1)
        counted[name] = value if value >= 0 else None
    return counted


def _rate_bps(link: LinkRecord, result: DirectionResult | None) -> int | None:
    """What was delivered, over the time from T0 to the last reading."""
    began = link.planned_ns or link.started_ns
    if result is None or link.result is None or link.result.until_ns is None or began is None:
        return None
    elapsed_ns = link.result.until_ns - began
    return 8 * result.delivered_bytes * NS_PER_S // elapsed_ns if elapsed_ns > 0 else None
