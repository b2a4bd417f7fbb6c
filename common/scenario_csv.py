"""Reads our scenario CSV (a superset of phantomlink's) and reports everything that is wrong with one at once.

    Time[ms],RouteID,Delay[ms],Btldr[Mbps]
    0,0,41.0,80.0
    11000,0,41.2,80.2

Each row holds from its time until the next row's. Cells are read by `scenario_columns`.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from plctl.common.errors import Problem
from plctl.common.problems import Problems, quote
from plctl.common.scenario import Row, Scenario, Schedule
from plctl.common.scenario_columns import EXAMPLE_HEADER, Layout, read_header
from plctl.common.text_file import read_text
from plctl.common.units import format_duration

#: The longest table that is read: seven hours at a row every 100 ms. A link's plan must fit into one message.
MAX_ROWS = 250_000


@dataclass(frozen=True, slots=True)
class ReadScenario:
    """A scenario that passed every check, with what its author should still know."""

    scenario: Scenario
    warnings: tuple[Problem, ...]
    text: str  #: the file as it was read


def read_scenario(path: Path, *, repeat: bool = False) -> ReadScenario:
    """Read the scenario CSV at `path`. With `repeat` it starts again after its last row (see `Schedule.repeated`).

    :raises InputError: every problem of the file, each with its place, what was found and what is legal.
    """
    return parse_scenario(read_text(path, "a scenario"), str(path), repeat=repeat)


def parse_scenario(text: str, file: str, *, repeat: bool = False) -> ReadScenario:
    """As `read_scenario`, of `text` that came from `file` (a name for the messages only)."""
    problems = Problems(file)
    lines = _lines(text)
    number, header = next(lines, (0, ""))
    if not number:
        problems.add(0, 0, f"is empty; a scenario begins with the line {EXAMPLE_HEADER}")
    problems.check()
    layout = read_header(header, number, problems)
    warnings = Problems(file)
    up, down = _read_rows(lines, layout, problems, warnings) if layout.columns else ([], [])
    problems.check()
    up_schedule = _schedule(up, repeat)
    down_schedule = up_schedule if down is up else _schedule(down, repeat)
    return ReadScenario(Scenario(up_schedule, down_schedule), tuple(warnings.found), text)


def _schedule(rows: list[Row], repeat: bool) -> Schedule:
    schedule = Schedule(tuple(rows))
    return schedule.repeated() if repeat else schedule


def _lines(text: str) -> Iterator[tuple[int, str]]:
    """The lines that say something, numbered from 1, without their comments."""
    for number, raw in enumerate(io.StringIO(text, newline=None), 1):
        line = raw.partition("#")[0] if "#" in raw else raw
        if not line.isspace() and line:
            yield number, line.rstrip("\n")


def _read_rows(
    lines: Iterator[tuple[int, str]], layout: Layout, problems: Problems, warnings: Problems
) -> tuple[list[Row], list[Row]]:
    """Both directions' rows; the very same list twice where the columns make no difference between them."""
    up: list[Row] = []
    down: list[Row] = [] if layout.directed else up
    previous_ns = -1
    count = 0
    for count, (number, line) in enumerate(lines, 1):
        if count > MAX_ROWS:
            problems.add(number, 0, f"is beyond the {MAX_ROWS} rows that a scenario may have")
            break
        values = _read_cells(line, number, layout, problems)
        time_ns = values[layout.time] if layout.time >= 0 else -1
        if time_ns < 0:
            continue
        if time_ns <= previous_ns:
            text = f"{format_duration(time_ns)} is not after the row before ({format_duration(previous_ns)})"
            problems.add(number, _place(line, layout.time), f"Time[ms]: {text}; times must strictly ascend")
        if previous_ns < 0 and time_ns:
            _warn_of_late_start(number, line, layout, time_ns, warnings)
        row_ns = 0 if previous_ns < 0 else time_ns
        previous_ns = time_ns
        if not problems.found:
            up.append(_row(row_ns, values, layout.up))
            if layout.directed:
                down.append(_row(row_ns, values, layout.down))
    if not count:
        problems.add(0, 0, "has a header but no rows; at least one is needed, e.g. 0,0,41.0,80.0")
    return up, down


def _warn_of_late_start(number: int, line: str, layout: Layout, time_ns: int, warnings: Problems) -> None:
    text = f"the first row is at {format_duration(time_ns)}, not at 0; its values hold from 0"
    warnings.add(number, _place(line, layout.time), text)


def _row(time_ns: int, values: list[int], places: tuple[int, int, int, int]) -> Row:
    route, delay, rate, queue = places
    return Row(time_ns, values[route], values[delay], values[rate], values[queue] if queue >= 0 else -1)


def _read_cells(line: str, number: int, layout: Layout, problems: Problems) -> list[int]:
    """The cells' values; −1 where there is none or it is wrong."""
    cells = line.split(",")
    values = [-1] * layout.width
    if len(cells) != layout.width:
        text = f"has {len(cells)} cells where the header has {layout.width}: {quote(line.strip())}"
        problems.add(number, 1, text)
        return values
    for index, column in layout.columns:
        try:
            values[index] = column.read(cells[index])
        except ValueError as error:
            problems.add(number, _place(line, index), str(error))
    return values


def _place(line: str, index: int) -> int:
    """The column, from 1, where cell `index` of `line` begins."""
    cells = line.split(",")
    blank = len(cells[index]) - len(cells[index].lstrip())
    return sum(len(cell) + 1 for cell in cells[:index]) + blank + 1
