"""Reads traces of rattan's, in the format of netem-trace: nested patterns of rates, delays and losses, as JSON or TOML.

    {"RepeatedBwPatternConfig": {"pattern": [{"StaticBwConfig": {"bw": "12Mbps", "duration": "1s"}}], "count": 0}}

A pattern of count 0 repeats for ever. Source: the documentation of the crate netem-trace.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from plctl.common.base.problems import quote
from plctl.common.scenario.readers.formats.json_text import load_json
from plctl.common.scenario.readers.formats.netem_models import Steps, expand
from plctl.common.scenario.readers.formats.records import Lines
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
        document = load_json(file) if file.text.lstrip().startswith("{") else _load_toml(file)
        try:
            steps = expand(document)
        except ValueError as error:
            raise file.refusal(str(error)) from None
        lines = Lines(file, steps.field)
        at_ns = 0
        for duration_ns, value in steps.values:
            lines.add(0, at_ns, **{steps.field: value})
            at_ns += duration_ns
        lines.check("its pattern is empty")
        return Trace((Part(lines.columns, end_ns=at_ns, repeats=steps.repeats),), _warnings(file, steps))


READER = NetemTrace()
_MODELS = tuple(
    f"{kind}{quantity}{pattern}Config"
    for quantity in ("Bw", "Delay", "Loss")
    for kind, pattern in (("Static", ""), ("Repeated", "Pattern"), ("Trace", ""), ("Normalized", ""), ("Sawtooth", ""))
)


def _load_toml(file: TraceFile) -> Any:
    try:
        return tomllib.loads(file.text, parse_float=Decimal)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise file.refusal(f"is not TOML: {quote(str(error))}") from None


def _warnings(file: TraceFile, steps: Steps) -> tuple[Any, ...]:
    if not steps.drawn:
        return ()
    return file.refusal("has random values, which are drawn by plctl's own generator: others than rattan's").problems
