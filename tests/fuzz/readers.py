"""Any text as a file of one format: read into a scenario that keeps its rules, or refused in sentences with places.

`target(NAME)` is the fuzzer's function for the reader NAME; `plctl.common.scenario.readers` has them all.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from fuzz.trace_samples import SAMPLES, read_text

from plctl.common.base.errors import InputError
from plctl.common.scenario.readers.opening import installed_reader, parse_scenario
from plctl.common.scenario.readers.trace_file import TraceFile
from plctl.common.scenario.schedule import Row, Schedule
from plctl.common.scenario.writers.formats import WRITERS

_LONGEST_SENTENCE = 3000
_WRITTEN_ROWS = 2000
#: What numbers, cells and keys are made of, for whoever alters a text.
WORDS = (
    *(
        "0",
        "-1",
        "1e400",
        "9223372036854775807",
        "9" * 30,
        "0.0000001",
        "NaN",
        "inf",
        "-",
        "",
        ",",
        "\n",
        "\r",
        "$",
        " ",
    ),
    *(
        '"',
        "[",
        "]",
        "{",
        "}",
        ":",
        "null",
        "true",
        "[]",
        "{}",
        "ms",
        "Mbps",
        "Unreachable",
        "NULL",
        "#",
        "=",
        "\t",
        "é",
    ),
)


def target(name: str) -> Callable[[bytes], None]:
    """What takes an input for the reader `name`."""
    reader = installed_reader(name)
    options = SAMPLES[name].options

    def one_input(data: bytes) -> None:
        """The one property; what a reader gives, our own format can hold."""
        try:
            text = data.decode("utf-8-sig")
        except UnicodeDecodeError:
            return  # refused before any reader sees it
        file = TraceFile("f", text)
        if file.sample:
            reader.recognises(file.sample)
        try:
            scenario = read_text(name, text, options).scenario
        except InputError as error:
            _judge(error)
            return
        scenario.up.check()
        scenario.down.check()
        written = WRITERS["plctl"].write(scenario, None)
        if len(scenario.up) + len(scenario.down) < _WRITTEN_ROWS and not written.losses:
            again = parse_scenario(next(iter(written.texts.values())), "again").scenario
            assert (_meaning(scenario.up), _meaning(scenario.down)) == (_meaning(again.up), _meaning(again.down))
            assert not scenario.end_ns or scenario.end_ns == again.end_ns

    return one_input


def _meaning(schedule: Schedule) -> tuple[int, list[Row]]:
    """Its period and its rows, without those that say what the one before says."""
    rows: list[Row] = []
    for row in schedule.rows:
        if not rows or replace(row, time_ns=rows[-1].time_ns) != rows[-1]:
            rows.append(row)
    return schedule.period_ns, rows


def _judge(error: InputError) -> None:
    for problem in error.problems:
        assert problem.file == "f"
        assert len(problem.text) < _LONGEST_SENTENCE


def write_seeds(name: str, folder: Path) -> None:
    """Write what the fuzzer begins with: short samples, and `WORDS` as its dictionary."""
    for rows in (1, 2, 5, 20):
        (folder / f"sample-{rows}").write_text(SAMPLES[name].text(rows))


def write_dictionary(path: Path) -> None:
    """Write `WORDS` as libFuzzer wants them."""
    escaped = ("".join(f"\\x{byte:02x}" for byte in word.encode()) for word in WORDS if word)
    path.write_text("".join(f'"{word}"\n' for word in escaped))


def altered(name: str, count: int) -> Iterator[bytes]:
    """So many altered samples of the reader `name`, the same each time."""
    draw = random.Random(name)
    for _ in range(count):
        text = SAMPLES[name].text(draw.choice((1, 3, 9)), seed=draw.randrange(5))
        for _ in range(draw.choice((1, 1, 2, 5))):
            at = draw.randrange(len(text) + 1)
            text = text[:at] + draw.choice(WORDS) + text[at + draw.choice((0, 0, 1, 1, 2, 9)) :]
        yield text.encode()
