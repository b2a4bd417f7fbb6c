"""Which reader reads a program's output, by its name: `iperf3`, `ping`, `json:PATH`, `regex:PATTERN`, a plug-in's."""

from __future__ import annotations

from collections.abc import Callable
from difflib import get_close_matches
from importlib.metadata import entry_points

from plctl.common.base.errors import UserError
from plctl.controller.metrics.flow import GROUP, MetricReader
from plctl.controller.metrics.patterns import JsonPath, TextPattern

_MADE: dict[str, Callable[[str], MetricReader]] = {"json": JsonPath, "regex": TextPattern}


def metric_reader(name: str) -> MetricReader:
    """The reader called `name`.

    :raises UserError: there is none; the message lists those that there are.
    """
    kind, colon, argument = name.partition(":")
    if colon and kind in _MADE:
        return _MADE[kind](argument)
    for each in entry_points(group=GROUP, name=name):
        reader: MetricReader = each.load()
        return reader
    known = metric_reader_names()
    near = get_close_matches(name, known, 1)
    raise UserError(
        f"no reader of metrics is called {name!r:.80}"
        + (f"; did you mean {near[0]}?" if near else "")
        + f" There are: {', '.join(known)}"
    )


def metric_reader_names() -> list[str]:
    """What may stand for a reader in a study's `metrics`."""
    return [*sorted(each.name for each in entry_points(group=GROUP)), "json:PATH", "regex:PATTERN"]
