"""Readers for any program: a place in its JSON, or a regular expression over its text."""

from __future__ import annotations

import re

from plctl.common.base.errors import UserError
from plctl.controller.metrics.flow import FlowMetrics, NoMetricsError, number_or_text
from plctl.controller.metrics.plain_json import documents, inside, measured

_WORD = re.compile(r"[^0-9A-Za-z_]+")
_NAME = re.compile(r"[A-Za-z_]\w*")


class JsonPath:
    """One value of the last JSON document in the output: ``json:end.sum_received.bits_per_second``.

    Steps are separated by dots; a whole number is an index into a list. ``json:goodput_bps=end.sum…`` gives the metric
    a name; else it is that of the path with `_` between the steps.
    """

    def __init__(self, argument: str) -> None:
        named, _, path = argument.rpartition("=")
        self._steps = [int(step) if re.fullmatch(r"-?\d+", step) else step for step in path.split(".")]
        self._name = named or _WORD.sub("_", path)
        if not path or "" in self._steps or not _NAME.fullmatch(self._name):
            raise UserError(
                f"json:{argument}: expected steps with dots between them, with or without a name before: "
                "json:end.sum_received.bits_per_second, json:goodput_bps=end.sum_received.bits_per_second"
            )

    def read(self, output: str) -> list[FlowMetrics]:
        found = inside(documents(output)[-1], *self._steps)
        value = measured(found)
        if value is None:
            raise NoMetricsError(f"there is no number or text at {'.'.join(map(str, self._steps))}")
        return [FlowMetrics("", {self._name: value})]


class TextPattern:
    """The named groups of a regular expression's last match: ``regex:took (?P<load_time_ms>[0-9.]+) ms``."""

    def __init__(self, argument: str) -> None:
        try:
            self._pattern = re.compile(argument, re.MULTILINE)
        except re.error as error:
            raise UserError(f"regex:{argument}: not a regular expression: {error}") from None
        if not self._pattern.groupindex:
            raise UserError(f"regex:{argument}: name what it shall read, e.g. (?P<load_time_ms>[0-9.]+)")

    def read(self, output: str) -> list[FlowMetrics]:
        matches = list(self._pattern.finditer(output))
        if not matches:
            raise NoMetricsError(f"nothing in it matches {self._pattern.pattern}")
        groups = matches[-1].groupdict().items()
        return [FlowMetrics("", {name: measured(number_or_text(text)) for name, text in groups})]
