"""Writes what rattan reads, in the format of netem-trace: a file of rates and one of delays, as JSON or TOML."""

from __future__ import annotations

import json
from collections.abc import Callable

from plctl.common.base.units import RATE_UNLIMITED
from plctl.common.scenario.schedule import ROW_FIELDS, Direction, Scenario
from plctl.common.scenario.writers.writer import Written, durations_ns, only, traced_losses

_Steps = list[tuple[int, int]]


class NetemTraceWriter:
    """The writer of them, in JSON or in TOML."""

    def __init__(self, suffix: str, form: Callable[[str, str, str, _Steps, bool], str]) -> None:
        self.title = f"rattan's and netem-trace's {suffix[1:].upper()}"
        self._suffix = suffix
        self._form = form

    def write(self, scenario: Scenario, direction: Direction | None) -> Written:
        """As `Writer.write`."""
        schedule = only(scenario, direction, self.title)
        lengths = durations_ns(schedule, scenario.end_ns)
        texts = {}
        for kind, key, name in (("Bw", "bw", "rate_bps"), ("Delay", "delay", "delay_ns")):
            steps = list(zip(lengths, schedule.column(name), strict=True))
            texts[f".{key}{self._suffix}"] = self._form(
                kind, key, "bps" if kind == "Bw" else "ns", _joined(steps), bool(schedule.period_ns)
            )
        fields = [
            each
            for each in ROW_FIELDS
            if each.name in schedule.columns and each.name not in ("time_ns", "rate_bps", "delay_ns")
        ]
        losses = traced_losses(schedule)
        losses += [f"the column {each.file.name}" for each in fields if len(set(schedule.column(each.name))) > 1]
        if RATE_UNLIMITED in schedule.column("rate_bps"):
            losses.append("an unlimited rate")
        return Written(texts, tuple(losses))


def _joined(steps: _Steps) -> _Steps:
    """Without the steps that say what the one before says."""
    found: _Steps = []
    for length, value in steps:
        if found and found[-1][1] == value:
            found[-1] = (found[-1][0] + length, value)
        else:
            found.append((length, value))
    return found


def _json(kind: str, key: str, unit: str, steps: _Steps, repeats: bool) -> str:
    pattern = [{f"Static{kind}Config": {key: f"{value}{unit}", "duration": f"{length}ns"}} for length, value in steps]
    return (
        json.dumps({f"Repeated{kind}PatternConfig": {"pattern": pattern, "count": 0 if repeats else 1}}, indent=1)
        + "\n"
    )


def _toml(kind: str, key: str, unit: str, steps: _Steps, repeats: bool) -> str:
    name = f"Repeated{kind}PatternConfig"
    lines = [f"[{name}]", f"count = {0 if repeats else 1}"]
    for length, value in steps:
        lines += [f"[[{name}.pattern]]", f"[{name}.pattern.Static{kind}Config]"]
        lines += [f'{key} = "{value}{unit}"', f'duration = "{length}ns"']
    return "\n".join(lines) + "\n"


JSON = NetemTraceWriter(".json", _json)
TOML = NetemTraceWriter(".toml", _toml)
