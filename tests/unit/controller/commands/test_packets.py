"""`plctl packets` tells people and machines what packets went through, or why it cannot."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from support.packet_records import LINK, asked, dropped, served
from support.packets.pcapng_reader import read_capture
from support.synthetic_run import HOST, RUN, T0_NS, handover_plan

from plctl.common.cli.root_command import root
from plctl.common.telemetry.packet_log import CAPTURED
from plctl.controller.packets.plot import plot_svg
from plctl.controller.results import packet_file, run_record
from plctl.controller.results.run_reader import EVENTS_NAME, RUN_NAME
from plctl.controller.results.run_record import LinkRecord


@pytest.fixture(scope="module", autouse=True)
def _fonts_are_open() -> None:
    """Draw once before anything is watched: matplotlib keeps the font files that it opened, a cache and no leak."""
    plot_svg([], "any")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A run of two links, the packets of one of which were logged: two served and one dropped up, none down."""
    record = asked(lost=0)
    record = replace(record, links=(*record.links, LinkRecord(handover_plan("other"), HOST)))
    (tmp_path / RUN_NAME).write_text(run_record.to_json(record))
    (tmp_path / EVENTS_NAME).touch()
    packet_file.append(tmp_path, LINK, "up", served(1) + served(2) + dropped(3))
    packet_file.finish(tmp_path, record)
    return tmp_path


def packets(*arguments: object) -> Result:
    return CliRunner().invoke(root, ["packets", *map(str, arguments)])


def test_figures_and_pictures_of_both_directions(folder: Path) -> None:
    """Verdicts, times and both plots in the terminal, without colour where there is none."""
    result = packets(folder, LINK)
    assert 0 == result.exit_code
    for words in ("up (client → server): 2 admitted, 1 queue_full", "down (server → client): no packets", "sojourn",
                  "leo-0: one-way delay [ms]"):  # fmt: skip
        assert words in result.stdout
    assert "\x1b" not in result.stdout


def test_json_is_one_document(folder: Path) -> None:
    """The same figures for programs, of the direction that was asked for."""
    document = json.loads(packets(folder, LINK, "--json", "--direction", "up").stdout)
    assert (RUN, LINK, HOST, T0_NS) == tuple(document[key] for key in ("run", "link", "host", "t0_ns"))
    assert ["up"] == [*document["directions"]]
    up = document["directions"]["up"]
    assert ({"admitted": 2, "queue_full": 1}, 0, 0) == (up["verdicts"], up["unlogged"], up["before_t0"])
    assert [2_000_000, 8_000_000, 350, 10_000_350] == [
        up[name]["p50_ns"] for name in ("sojourn", "in_flight", "lateness", "one_way")
    ]


def test_svg_takes_the_place_of_the_plots(folder: Path) -> None:
    """The file is written and named, and the terminal gets the figures only."""
    result = packets(folder, LINK, "--svg", folder / "leo.svg")
    assert (0, f"wrote {folder / 'leo.svg'}\n") == (result.exit_code, result.stderr)
    assert "┤" not in result.stdout
    assert "<svg" in (folder / "leo.svg").read_text()


@pytest.mark.parametrize(
    ("link", "sentence"),
    [
        (
            "other",
            f"the packets of other were not logged in run {RUN}; packets were logged of leo-0 (plctl run --packets)",
        ),
        ("moon", f"run {RUN} has no link moon; packets were logged of leo-0"),
    ],
)
def test_a_link_without_a_log_is_told_apart(folder: Path, link: str, sentence: str) -> None:
    """A link that is not there and one whose packets were not logged are different mistakes, and status 2."""
    result = packets(folder, link)
    assert (2, f"error: {sentence}\n") == (result.exit_code, result.stderr)


def captured(tmp_path: Path) -> Path:
    """A run of one link that kept the bytes of its one frame, which was dropped."""
    record = replace(asked(lost=0, capture_bytes=60), t0_ns=T0_NS, t0_utc="2026-11-23T04:15:30.000000Z", verdict="ok")
    (tmp_path / RUN_NAME).write_text(run_record.to_json(record))
    records = dropped(1, flags=CAPTURED)
    packet_file.append(tmp_path, LINK, "up", records, captured=b"d" * 60, capture_bytes=60)
    packet_file.finish(tmp_path, record)
    (tmp_path / EVENTS_NAME).touch()
    return tmp_path


def test_a_capture_is_a_file_or_standard_output(tmp_path: Path) -> None:
    """The same bytes in both, of one link as of all; the file is named."""
    folder, target = captured(tmp_path), tmp_path / "leo.pcapng"
    result = packets(folder, LINK, "--pcapng", target)
    assert (0, f"wrote {target}\n") == (result.exit_code, result.stderr)
    assert target.read_bytes() == packets(folder, "--all", "--pcapng", "-").stdout_bytes
    assert [b"d" * 60] == [packet.data for packet in read_capture(target.read_bytes()).packets]


def test_a_run_that_is_over_is_told_whole_by_live(tmp_path: Path) -> None:
    """Whoever comes late gets all that was kept, from the files that were made of it."""
    folder = captured(tmp_path)
    found = read_capture(packets(folder, LINK, "--live").stdout_bytes)
    assert [b"d" * 60] == [packet.data for packet in found.packets]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ([], "figures and plots are of one link: give LINK; several, or --all, go with --pcapng or --live"),
        ([LINK, "other"], "figures and plots are of one link"),
        (["--pcapng", "-"], "say which links: one or more LINK, or --all"),
        ([LINK, "--all", "--live"], "say which links: one or more LINK, or --all"),
        ([LINK, "--pcapng", "x"], "leo-0 kept no bytes of its frames in run"),
        ([LINK, "--live"], "ask for them in the run spec, at the link: packets: {capture: 128B}"),
    ],
)
def test_what_cannot_be_captured_is_a_sentence(folder: Path, arguments: list[str], sentence: str) -> None:
    """Status 2, and no file."""
    result = packets(folder, *arguments)
    assert 2 == result.exit_code
    assert sentence in result.stderr
    assert not Path("x").exists()


def test_a_file_that_cannot_be_written_is_a_sentence(folder: Path) -> None:
    """The attempt and the kernel's word, no traceback."""
    result = packets(folder, LINK, "--svg", folder / "no" / "leo.svg")
    assert 1 == result.exit_code
    assert f"error: cannot write {folder}/no/leo.svg: No such file or directory\n" == result.stderr
