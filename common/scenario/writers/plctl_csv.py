"""Writes our scenario CSV, exact to the nanosecond, and phantomlink's, which is that part which it reads."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal

from plctl.common.base.units import NS_PER_MS, RATE_UNLIMITED
from plctl.common.scenario.readers.plctl_csv import END, REPEAT
from plctl.common.scenario.readers.trace_remarks import trace_lines
from plctl.common.scenario.schedule import DIRECTIONS, ROW_FIELDS, Direction, RowField, Scenario, Schedule
from plctl.common.scenario.writers.writer import Written, only, traced_losses

_TIME, *_VALUES = ROW_FIELDS


class PlctlCsvWriter:
    """The writer of ours: it can express every scenario."""

    title = "plctl's CSV"

    def write(self, scenario: Scenario, direction: Direction | None) -> Written:
        """As `Writer.write`; a single direction becomes one for both."""
        if direction:
            one = scenario.up if direction == DIRECTIONS[0] else scenario.down
            scenario = Scenario(one, one, scenario.end_ns)
        if scenario.up.period_ns != scenario.down.period_ns:
            return Written({".csv": _text(scenario)}, ("directions that repeat with different periods",))
        return Written({".csv": _text(scenario)})


class PhantomlinkWriter:
    """The writer of phantomlink's: four columns, the same in both directions."""

    title = "phantomlink's CSV"

    def write(self, scenario: Scenario, direction: Direction | None) -> Written:
        """As `Writer.write`."""
        schedule = only(scenario, direction, self.title)
        others = [each.file.name for each in ROW_FIELDS if each.default is not None and each.name in schedule.columns]
        losses = [*traced_losses(schedule), *(f"the column {name}" for name in others)]
        if schedule.period_ns:
            losses.append("that it repeats: give phantomlink --repeat")
        if RATE_UNLIMITED in schedule.column("rate_bps"):
            losses.append("an unlimited rate")
        plain = {name: column for name, column in schedule.columns.items() if name in _NEEDED}
        bare = Schedule.of_columns(plain)
        return Written({".csv": _text(Scenario(bare, bare))}, tuple(losses))


_NEEDED = {each.name for each in ROW_FIELDS if each.default is None}


def _text(scenario: Scenario) -> str:
    return "".join(line + "\n" for line in (*_remarks(scenario), *_table(scenario)))


def _remarks(scenario: Scenario) -> Iterator[str]:
    """What the columns do not say."""
    if period_ns := scenario.up.period_ns or scenario.down.period_ns:
        yield f"{REPEAT}{_decimal(period_ns, NS_PER_MS)}ms"
    elif scenario.end_ns > max(scenario.up.last_ns, scenario.down.last_ns):
        yield f"{END}{_decimal(scenario.end_ns, NS_PER_MS)}ms"
    yield from trace_lines(scenario)


def _table(scenario: Scenario) -> Iterator[str]:
    same = scenario.up == scenario.down
    times = sorted({*scenario.up.column("time_ns"), *scenario.down.column("time_ns")})
    columns: list[tuple[str, RowField, Sequence[int]]] = [(_TIME.file.name, _TIME, times)]
    for each in _VALUES:
        ways = [scenario.up] if same else [scenario.up, scenario.down]
        if each.default is not None and all(each.name not in way.columns for way in ways):
            continue
        held = [_held(way, each.name, times) for way in ways]
        if len(held) == 1 or (held[0] == held[1] and each.default is None):
            columns.append((each.file.name, each, held[0]))
        elif not each.file.directed:
            columns += [(each.file.name, each, held[0])]
        else:
            columns += [(f"{each.file.name}:{way}", each, one) for way, one in zip(DIRECTIONS, held, strict=True)]
    yield ",".join(name for name, _, _ in columns)
    for index in range(len(times)):
        yield ",".join(_cell(each, values[index]) for _, each, values in columns)


def _held(schedule: Schedule, name: str, times: Sequence[int]) -> list[int]:
    """The column `name` at `times`, which are all of the schedule's and others."""
    own, values, index, found = schedule.column("time_ns"), schedule.column(name), 0, []
    for at in times:
        if index + 1 < len(own) and own[index + 1] <= at:
            index += 1
        found.append(values[index])
    return found


def _cell(field: RowField, value: int) -> str:
    if value == field.default:
        return ""
    if field.file.unlimited and value >= RATE_UNLIMITED:
        return "inf"
    return _decimal(value, field.file.unit)


def _decimal(value: int, unit: int) -> str:
    """`value` in a unit that is a power of ten, exactly."""
    return f"{(Decimal(value) / unit).normalize():f}"
