"""A reader that a package brings is found, recognises its files, and can be named where two do."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest

from plctl.common.base.errors import InputError
from plctl.common.scenario.readers import opening
from plctl.common.scenario.readers.opening import is_trace, open_scenario, parse_scenario
from plctl.common.scenario.readers.read_as import ReadAs
from plctl.common.scenario.readers.reader import GROUP, Reader, ReaderOption
from plctl.common.scenario.readers.trace import Part, Trace
from plctl.common.scenario.readers.trace_file import TraceFile
from plctl.controller.spec.run_spec import load_run

TOY = "toy 5\n"


class ToyReader:
    """A format of one line: "toy" and a delay in ms."""

    title = "a toy"
    options = (ReaderOption("more", int, 0, "Added to the delay, in ms."),)

    def recognises(self, lines: Sequence[str]) -> bool:
        """By its first word."""
        return lines[0].startswith("toy ")

    def read(self, file: TraceFile, options: Mapping[str, Any]) -> Trace:
        """Two rows, so that it can be repeated."""
        delay_ns = (int(file.text.split()[1]) + options["more"]) * 10**6
        columns = {"time_ns": [0, 10], "route": [0, 0], "delay_ns": [delay_ns] * 2, "rate_bps": [8, 9]}
        return Trace((Part({name: array("q", column) for name, column in columns.items()}),))


class ToyPoint:
    """An entry point of a package that this test need not install."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.group = GROUP

    def load(self) -> Reader:
        """The reader."""
        return ToyReader()


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[EntryPoint | ToyPoint]]:
    """plctl's own reader, a toy, and whatever a test adds, as if packages had brought them."""
    points: list[EntryPoint | ToyPoint] = [
        EntryPoint("plctl", "plctl.common.scenario.readers.plctl_csv:READER", GROUP),
        ToyPoint("toy"),
    ]
    monkeypatch.setattr(opening, "entry_points", lambda group: [point for point in points if point.group == group])
    opening._installed.cache_clear()
    yield points
    opening._installed.cache_clear()


def test_plctls_own_reader_is_installed() -> None:
    """As the package declares it."""
    assert "plctl" in opening._installed()


@pytest.mark.usefixtures("installed")
def test_a_file_is_recognised_wherever_a_scenario_is_opened(tmp_path: Path) -> None:
    """By the function that opens scenarios, and so in a bare run and in a spec; and it can be repeated."""
    path = tmp_path / "x.trace"
    path.write_text(TOY)
    assert is_trace(TraceFile("x", TOY))
    assert 5 * 10**6 == open_scenario(path).scenario.up.rows[0].delay_ns
    repeated = open_scenario(path, repeat=True).scenario
    assert (20, True) == (repeated.up.period_ns, repeated.down is repeated.up)
    assert 5 * 10**6 == load_run(path, duration_ns=1).links[0].plan.down.rows[0].delay_ns
    spec = tmp_path / "run.yaml"
    spec.write_text("duration: 1s\nlinks:\n  - {name: a, scenario: x.trace}\n")
    assert 5 * 10**6 == load_run(spec).links[0].plan.up.rows[0].delay_ns


def test_what_two_recognise_must_be_named(installed: list[EntryPoint | ToyPoint], tmp_path: Path) -> None:
    """The sentence names both; a spec says which by the key reader."""
    installed.append(ToyPoint("toy2"))
    opening._installed.cache_clear()
    with pytest.raises(InputError, match=r"x: is a toy \(toy\) or a toy \(toy2\); say which: reader: toy"):
        parse_scenario(TOY, "x")
    assert 8 == parse_scenario(TOY, "x", ReadAs("toy2")).scenario.up.rows[0].rate_bps
    (tmp_path / "x").write_text(TOY)
    spec = tmp_path / "run.yaml"
    spec.write_text("duration: 1s\nlinks:\n  - {name: a, scenario: x, reader: toy2}\n")
    assert 1 == len(load_run(spec).links)


@pytest.mark.usefixtures("installed")
def test_a_reader_that_is_not_there_is_refused() -> None:
    """With the names of those that are."""
    with pytest.raises(InputError, match="x: has no reader 'pcap'; legal are plctl, toy"):
        parse_scenario(TOY, "x", ReadAs("pcap"))
