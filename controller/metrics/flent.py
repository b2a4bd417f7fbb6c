"""A data file of flent (`*.flent`, unpacked by whoever reads it): the mean and median of each of its series.

Source: flent's documentation, "The data file format": `x_values`, and under `results` a list of as many numbers or
nulls by the series' name; `metadata.SERIES_META` has units.
"""

from __future__ import annotations

import statistics
from typing import Any

from plctl.controller.metrics.flow import FlowMetrics, NoMetricsError, Value
from plctl.controller.metrics.plain_json import documents, inside, number


class Flent:
    """Reads a data file of flent; each of its series is a flow."""

    def read(self, output: str) -> list[FlowMetrics]:
        document = documents(output)[0]
        results = inside(document, "results")
        if not isinstance(results, dict):
            raise NoMetricsError("no data file of flent: it has no `results`")
        return [FlowMetrics(str(name), _values(document, name, series)) for name, series in results.items()]


def _values(document: Any, name: str, series: Any) -> dict[str, Value]:
    known = [each for each in map(number, series if isinstance(series, list) else ()) if each is not None]
    units = inside(document, "metadata", "SERIES_META", name, "UNITS")
    values: dict[str, Value] = {"samples": len(known)}
    if isinstance(units, str):
        values["units"] = units
    if known:
        values |= {"mean": statistics.fmean(known), "median": statistics.median(known)}
    return values


READER = Flent()
