"""Reads traces of rattan's, in the format of netem-trace: nested patterns of rates, delays and losses, as JSON or TOML.

    {"RepeatedBwPatternConfig": {"pattern": [{"StaticBwConfig": {"bw": "12Mbps", "duration": "1s"}}], "count": 0}}

A pattern of count 0 repeats for ever. Source: the documentation of the crate netem-trace.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from plctl.common.scenario.readers.formats.json_text import ItemError, load_json, place_of
from plctl.common.scenario.readers.formats.netem_models import Steps, expand
from plctl.common.scenario.readers.formats.records import Lines
from plctl.common.scenario.readers.formats.toml_text import load_toml
from plctl.common.scenario.readers.reader import ReaderOption
from plctl.common.scenario.readers.trace import Part, Trace
from plctl.common.scenario.readers.trace_file import TraceFile


class NetemTrace:
    """The reader of them."""

    title = "a trace of rattan's, in the format of netem-trace"
    options: Sequence[ReaderOption] = ()

    def recognises(self, lines: Sequence[str]) -> bool:
        """By the names of its models."""
        return lines[0].startswith(("{", "[")) and any(word in line for line in lines for word in _MODELS)

    def read(self, file: TraceFile, options: Mapping[str, Any]) -> Trace:  # noqa: ARG002  (it has none)
        """As `Reader.read`."""
        is_json = _OBJECT.match(file.text) is not None
        document = load_json(file) if is_json else load_toml(file)
        try:
            steps = expand(document)
        except ItemError as error:
            place = place_of(file.text, error.path) if is_json else (0, 0)
            raise file.refusal(str(error), *place) from None
        lines = Lines(file, steps.field)
        at_ns = 0
        for index, (duration_ns, value) in enumerate(steps.values, 1):
            if fault := lines.fault(at_ns, {steps.field: value}):
                raise file.refusal(f"step {index} of the trace: {fault}")
            lines.add(0, at_ns, **{steps.field: value})
            at_ns += duration_ns
        lines.check("its pattern is empty")
        return Trace((Part(lines.columns, end_ns=at_ns, repeats=steps.repeats),), _warnings(file, steps))


READER = NetemTrace()
_OBJECT = re.compile(r"\s*\{")
_MODELS = tuple(
    f"{kind}{quantity}{pattern}Config"
    for quantity in ("Bw", "Delay", "Loss")
    for kind, pattern in (("Static", ""), ("Repeated", "Pattern"), ("Trace", ""), ("Normalized", ""), ("Sawtooth", ""))
)


def _warnings(file: TraceFile, steps: Steps) -> tuple[Any, ...]:
    if not steps.drawn:
        return ()
    return file.refusal("has random values, which are drawn by plctl's own generator: others than rattan's").problems
