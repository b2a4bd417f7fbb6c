"""Reads our scenario CSV (a superset of phantomlink's) and reports everything that is wrong with one at once.

    Time[ms],RouteID,Delay[ms],Btldr[Mbps]
    0,0,41.0,80.0
    11000,0,41.2,80.2

Each row holds from its time until the next row's. Also read is what spreadsheets and pandas make of such a table: lines
of nothing but commas, `sep=,`, an index without a name. Cells are read by `columns`.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from plctl.common.base.errors import UserError
from plctl.common.base.problems import Problems, quote
from plctl.common.base.units import format_duration, parse_duration
from plctl.common.scenario.readers.cells import Numbers, place, split, value, without_comment
from plctl.common.scenario.readers.columns import EXAMPLE_HEADER
from plctl.common.scenario.readers.header import Layout, read_header
from plctl.common.scenario.readers.reader import ReaderOption
from plctl.common.scenario.readers.text_lines import lines_of
from plctl.common.scenario.readers.trace import Part, Trace
from plctl.common.scenario.readers.trace_file import TraceFile
from plctl.common.scenario.readers.trace_remarks import read_traces, with_traces
from plctl.common.scenario.schedule import MAX_ROWS, ROW_FIELDS

#: Comments that say how long the scenario lasts, and that it begins again then; behind each a duration.
END = "# plctl: end "
REPEAT = "# plctl: repeat "
#: A cell of a header or of the line behind `sep=,`.
_TIME = re.compile(r"(^|,)\s*\"?\s*time\s*\[", re.IGNORECASE)


class PlctlCsv:
    """The reader of it."""

    title = "a scenario of plctl's, or of phantomlink's"

    options: Sequence[ReaderOption] = ()

    def recognises(self, lines: Sequence[str]) -> bool:
        """By a column for the time."""
        return _TIME.search(lines[0]) is not None or (bool(lines[1:]) and _TIME.search(lines[1]) is not None)

    def read(self, file: TraceFile, options: Mapping[str, Any]) -> Trace:  # noqa: ARG002  (it has none)
        """As `Reader.read`."""
        problems = Problems(file.name)
        text = file.text
        lines = _lines(file)
        number, header = next(lines, (0, ""))
        if not number:
            problems.add(0, 0, f"is empty; a scenario begins with the line {EXAMPLE_HEADER}")
        problems.check()
        warnings = Problems(file.name)
        layout = read_header(header, number, problems, warnings)
        table = _Table(layout, Numbers(text), problems, warnings).read(lines) if layout.columns else []
        problems.check()
        end_ns, repeats = _remarks(text, problems)
        traces = read_traces(text, problems)
        problems.check()
        parts = with_traces(_parts(table, layout), traces)
        if end_ns and (last_ns := parts[0].columns["time_ns"][-1]) >= end_ns:
            times = f"{format_duration(end_ns)} is not after the last row, {format_duration(last_ns)}"
            problems.add(0, 0, f"the end that a comment says, {times}")
        problems.check()
        return Trace(tuple(replace(part, end_ns=end_ns, repeats=repeats) for part in parts), tuple(warnings.found))


READER = PlctlCsv()


def _parts(table: list[array[int]], layout: Layout) -> tuple[Part, ...]:
    """What the file says; `table` has its columns."""
    if not layout.directed:
        return (Part(_columns(table, layout.up)),)
    return Part(_columns(table, layout.up), "up"), Part(_columns(table, layout.down), "down")


def _remarks(text: str, problems: Problems) -> tuple[int, bool]:
    """The end that comments before the header say, 0 without one, and whether the scenario begins again there."""
    end_ns, repeats = 0, False
    for number, line in lines_of(text):
        if not line.startswith("#"):
            break
        for remark in (END, REPEAT):
            if line.startswith(remark):
                try:
                    end_ns, repeats = parse_duration(line.removeprefix(remark).strip()), remark == REPEAT
                except UserError as error:
                    problems.add(number, len(remark) + 1, str(error))
    return end_ns, repeats


def _columns(table: list[array[int]], places: tuple[int, ...]) -> dict[str, array[int]]:
    """The columns of a direction; `places` says where each field of a row is."""
    return {each.name: table[at] for each, at in zip(ROW_FIELDS, places, strict=True) if at >= 0}


def _lines(file: TraceFile) -> Iterator[tuple[int, str]]:
    """The lines that say something, numbered from 1, without their comments.

    :raises InputError: one is too long, or they are too many.
    """
    first = True
    for number, raw in file.lines():
        line = " " * (raw.column - 1) + without_comment(raw)
        if line.strip(', \t"') and not (first and _is_separator(line)):
            yield number, line
            first = False


def _is_separator(line: str) -> bool:
    """Whether `line` only tells a spreadsheet that commas part cells."""
    return "".join(line.split()).casefold().strip('"') == "sep=,"


class _Table:
    """Reads the rows of one file."""

    def __init__(self, layout: Layout, numbers: Numbers, problems: Problems, warnings: Problems) -> None:
        self.layout = layout
        self.numbers = numbers
        self.problems = problems
        self.warnings = warnings

    def read(self, lines: Iterator[tuple[int, str]]) -> list[array[int]]:
        """The columns of the file, by place; those that are not plctl's hold −1."""
        table = [array("q") for _ in range(self.layout.width)]
        time = self.layout.time
        previous_ns = -1
        count = 0
        for count, (number, line) in enumerate(lines, 1):
            if count > MAX_ROWS:
                self.problems.add(number, 0, f"is beyond the {MAX_ROWS} rows that a scenario may have")
                break
            values = self.cells(number, line)
            time_ns = values[time] if time >= 0 else -1
            if time_ns < 0:
                continue
            self.check_time(number, line, time_ns, previous_ns)
            if previous_ns < 0:
                values[time] = 0
            previous_ns = time_ns
            if not self.problems.found:
                for column, each in zip(table, values, strict=True):
                    column.append(each)
        if not count:
            self.problems.add(0, 0, "has a header but no rows; at least one is needed, e.g. 0,0,41.0,80.0")
        return table

    def check_time(self, number: int, line: str, time_ns: int, previous_ns: int) -> None:
        if time_ns <= previous_ns:
            text = f"{format_duration(time_ns)} is not after the row before ({format_duration(previous_ns)})"
            self.problems.add(number, place(line, self.layout.time), f"Time[ms]: {text}; times must strictly ascend")
        if previous_ns < 0 and time_ns:
            text = f"the first row is at {format_duration(time_ns)}, not at 0; its values hold from 0"
            self.warnings.add(number, place(line, self.layout.time), text)

    def cells(self, number: int, line: str) -> list[int]:
        """The cells' values; −1 where there is none or it is wrong."""
        cells = split(line)
        values = [-1] * self.layout.width
        if fault := self.misfit(cells, line):
            self.problems.add(number, 1, fault)
            return values
        for index, column in self.layout.columns:
            cell = cells[index]
            try:
                values[index] = column.read(self.numbers.plain(value(cell)) if '"' in cell else cell)
            except ValueError as error:
                self.problems.add(number, place(line, index), str(error))
        return values

    def misfit(self, cells: list[str], line: str) -> str:
        """Why these cells are not those that the header names; empty if they are."""
        width = self.layout.width
        if len(cells) < width or any(value(cell) for cell in cells[width:]):
            return f"has {len(cells)} cells where the header has {width}: {quote(line.strip())}"
        for index in self.layout.unnamed:
            if value(cells[index]):
                return f"has {quote(value(cells[index]))} in column {index + 1}, to which the header gives no name"
        return ""
