"""What a reader of a program's output finds, and what every reader is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

#: A number, or a word such as the name of a congestion control. None: the program could not tell.
Value = float | int | str | None


@dataclass(frozen=True, slots=True)
class FlowMetrics:
    """The metrics of one flow of a program, or of the program as a whole."""

    flow: str  #: unique within the program's output: ``stream 5``, ``up``, the pinged address
    values: Mapping[str, Value] = field(default_factory=dict)  #: by name; the unit is the name's end: ``goodput_bps``


def number_or_text(text: str | None) -> Value:
    """`text` as the number that it is, if it is a plain one."""
    if text is None:
        return None
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


class MetricReader(Protocol):
    """Reads the metrics in a program's output. Others are added by entry points of the group `GROUP`."""

    def read(self, output: str) -> list[FlowMetrics]:
        """The metrics of each flow, in the order of the output.

        :raises NoMetricsError: it is not what the reader reads; the message says what was found.
        """


class NoMetricsError(Exception):
    """The output is not what a reader reads: the program failed, or it is another program's."""


#: Entry points: name → a `MetricReader`.
GROUP = "plctl.metric_readers"
