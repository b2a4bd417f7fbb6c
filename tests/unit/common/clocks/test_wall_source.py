"""A promise of a time daemon may tighten a clock bound, so only one that is really made may be read as one."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from plctl.common.clocks import wall_source
from plctl.common.clocks.ptp import PMC_COMMAND, parse_pmc
from plctl.common.clocks.wall_promise import ClockDiscipline, NoPromiseError
from plctl.common.clocks.wall_source import (
    CHRONY_COMMAND,
    judge_timex,
    parse_chrony,
    read_chrony,
    read_discipline,
    read_wall,
    survey_disciplines,
)

CHRONY = (
    "C0000204,192.0.2.4,2,1700000000.123456789,-0.000012345,0.000023456,0.000045678,"
    "-12.345,-0.001,0.050,0.000800000,0.000456789,64.5,Normal\n"
)
PTP = """\
sending: GET TIME_STATUS_NP
\t02aabb.fffe.cc0001-0 seq 0 RESPONSE MANAGEMENT TIME_STATUS_NP
\t\tmaster_offset              -310
\t\tingress_time               1700000000345029441
\t\tcumulativeScaledRateOffset +1.000000000
\t\tlastGmPhaseChange          0x0000'0000000000000000.0000
\t\tgmPresent                  true
\t\tgmIdentity                 02ffee.fffe.dd0001
sending: GET CURRENT_DATA_SET
\t02aabb.fffe.cc0001-0 seq 1 RESPONSE MANAGEMENT CURRENT_DATA_SET
\t\tstepsRemoved     1
\t\toffsetFromMaster -310.0
\t\tmeanPathDelay    9310.5
sending: GET PORT_PROPERTIES_NP
\t02aabb.fffe.cc0001-1 seq 2 RESPONSE MANAGEMENT PORT_PROPERTIES_NP
\t\tportIdentity            02aabb.fffe.cc0001-1
\t\tportState               SLAVE
\t\ttimestamping            SOFTWARE
\t\tinterface               lan0
\t02aabb.fffe.cc0001-2 seq 2 RESPONSE MANAGEMENT PORT_PROPERTIES_NP
\t\tportIdentity            02aabb.fffe.cc0001-2
\t\tportState               MASTER
\t\ttimestamping            HARDWARE
\t\tinterface               lan1
"""
STA_PLL, STA_UNSYNC, STA_NANO = 0x0001, 0x0040, 0x2000


@pytest.fixture
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder that is the only place where programs are found."""
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def make_tool(folder: Path, name: str, script: str) -> None:
    """A program `name` of one shell script."""
    tool = folder / name
    tool.write_text(f"#!/bin/sh\n{script}\n")
    tool.chmod(0o755)


def test_chrony_promises_its_root_distance_and_what_is_left_to_correct() -> None:
    """Error: greatest of the offsets 23.456 µs, plus dispersion 456.789 µs, plus half of the delay 800 µs."""
    assert ClockDiscipline("chrony", "UTC", 880_246) == parse_chrony(CHRONY)
    larger = CHRONY.replace("-0.000012345", "-0.001000000")
    assert 1_856_790 == parse_chrony(larger).max_error_ns


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (CHRONY.replace("Normal", "Not synchronised"), "chrony: not synchronised"),
        (CHRONY.replace(",2,", ",0,"), "chrony: not synchronised"),
        (CHRONY.replace("C0000204", "7F7F0101"), "chrony: follows its own clock only"),
        (CHRONY.replace(",64.5", ""), "13 fields instead of 14"),
        ("", "1 fields instead of 14"),
        (CHRONY.replace("0.000800000", "much"), "something else than numbers"),
        (CHRONY.replace("0.000800000", "inf"), "something else than numbers"),
        (CHRONY.replace("0.000800000", "nan"), "something else than numbers"),
    ],
)
def test_chrony_without_a_promise_says_why(text: str, reason: str) -> None:
    """An unsynchronised, a free-running and an unintelligible chrony promise nothing."""
    with pytest.raises(NoPromiseError, match=reason):
        parse_chrony(text)


def test_ptp_promises_its_offset_and_the_path_that_may_be_asymmetric() -> None:
    """Error: offset 310 ns plus mean path delay 9310.5 ns; of two ports the one that follows counts."""
    expected = ClockDiscipline("PTP", "PTP grandmaster 02ffee.fffe.dd0001", 9_621)
    assert expected == parse_pmc(PTP)
    assert expected == parse_pmc(PTP.replace("MANAGEMENT", "MANAGMENT"))  # as linuxptp 1 to 3 spell it


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "follows no grandmaster"),
        (PTP.replace("true", "false"), "follows no grandmaster"),
        (PTP.replace("SLAVE", "UNCALIBRATED"), "follows no grandmaster"),
        (PTP.replace("SOFTWARE", "HARDWARE"), "steers the network card's clock"),
        (PTP.replace("meanPathDelay", "meanPath"), "incomplete"),
        (PTP.replace("9310.5", "nan"), "incomplete"),
    ],
)
def test_ptp_without_a_promise_says_why(text: str, reason: str) -> None:
    """A ptp4l that follows nobody, or another clock than the wall clock, promises nothing."""
    with pytest.raises(NoPromiseError, match=reason):
        parse_pmc(text)


def test_the_kernel_passes_on_what_it_was_told() -> None:
    """Error: maximum error plus the offset that is left to correct, in microseconds or, if it says so, nanoseconds."""
    assert 1_540_000 == judge_timex(STA_PLL, -40, 1_500, 12).max_error_ns
    assert 1_500_040 == judge_timex(STA_PLL | STA_NANO, -40, 1_500, 12).max_error_ns


@pytest.mark.parametrize(
    ("status", "esterror", "reason"),
    [(STA_UNSYNC, 16_000_000, "not synchronised"), (STA_PLL, 0, "states no error")],
)
def test_a_kernel_that_was_told_nothing_promises_nothing(status: int, esterror: int, reason: str) -> None:
    """Neither an unsynchronised clock nor one whose daemon reset the errors to 0 comes with a promise."""
    with pytest.raises(NoPromiseError, match=reason):
        judge_timex(status, 0, 16_000_000, esterror)


def test_the_running_kernel_answers() -> None:
    """adjtimex can be asked by anyone: it gives a promise or one of the two reasons, on every machine."""
    try:
        assert wall_source.read_kernel().max_error_ns > 0
    except NoPromiseError as reason:
        assert str(reason).startswith(("kernel: the clock is not synchronised", "kernel: what disciplines the clock"))  # noqa: PT017 - either answer is right


def test_the_tightest_promise_is_taken(tools: Path) -> None:
    """With chrony at 0.9 ms and PTP at 10 µs the host's word is PTP's."""
    make_tool(tools, "chronyc", f"echo '{CHRONY.strip()}'")
    assert "chrony" == read_chrony().source
    (tools / "answer").write_text(PTP)
    make_tool(tools, "pmc", f"while read -r line; do echo \"$line\"; done < '{tools}/answer'")
    best = read_discipline()
    assert best is not None
    assert "PTP" == best.source


def test_a_missing_tool_is_a_reason(tools: Path) -> None:
    """A host without chrony and linuxptp has no promise of theirs, and the survey names both."""
    assert [] == list(tools.iterdir())
    reasons = survey_disciplines().reasons
    assert ("chronyc: not installed", "pmc: not installed") == reasons[:2]


def test_a_failing_tool_is_quoted(tools: Path) -> None:
    """The reason ends with the tool's own words."""
    make_tool(tools, CHRONY_COMMAND[0], "echo 506 Cannot talk to daemon; exit 1")
    with pytest.raises(NoPromiseError, match="chronyc: 506 Cannot talk to daemon"):
        read_chrony()


def test_a_hanging_tool_is_given_up(tools: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A tool that never answers costs the timeout and is a reason; it does not outlive the question."""
    monkeypatch.setattr(wall_source, "_TOOL_TIMEOUT_S", 0.05)
    make_tool(tools, PMC_COMMAND[0], f"echo $$ > '{tools}/pid'; while :; do read -r forever < '{tools}/fifo'; done")
    os.mkfifo(tools / "fifo")
    with pytest.raises(NoPromiseError, match=r"pmc: no answer within 0\.05 s"):
        wall_source.read_ptp()
    pid = tools / "pid"
    assert not pid.exists() or not Path("/proc", pid.read_text().strip()).exists()


def test_the_wall_clock_is_read_with_its_doubt() -> None:
    """Two readings of the same clocks agree within the sum of their doubts."""
    discipline = ClockDiscipline("chrony", "UTC", 1_000)
    first, second = read_wall(discipline), read_wall(discipline)
    assert first.monotonic_ns < second.monotonic_ns
    apart = abs(first.wall_minus_monotonic_ns - second.wall_minus_monotonic_ns)
    assert apart <= first.sampling_ns + second.sampling_ns
