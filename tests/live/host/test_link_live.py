"""A hand-made link is changed while it is emulated, as a user types it, and what was done is written as a scenario."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from plctl.common.base.units import NS_PER_MS, NS_PER_S
from plctl.common.cli.root_command import root
from plctl.common.scenario.readers.opening import given_files, read_scenario
from plctl.common.scenario.readers.read_as import ReadAs
from plctl.common.scenario.schedule import Scenario

PLCTL = str(Path(sys.executable).with_name("plctl"))
CSV = "Time[ms],RouteID,Delay[ms],Btldr[Mbps]\n0,1,1,100\n3600000,1,7,50\n"


def plctl(*arguments: str) -> Result:
    """What the command says and ends with."""
    return CliRunner().invoke(root, arguments)


@pytest.fixture
def name(state: Path, unique: str) -> Iterator[str]:
    """The name of a link that is set up; torn down afterwards."""
    assert state.is_dir()
    assert 0 == plctl("link", "setup", "-n", unique).exit_code
    yield unique
    plctl("link", "teardown", "--force", "-n", unique)


class Session:
    """`plctl link start` in a process of its own."""

    def __init__(self, name: str, scenario: Path, *options: str) -> None:
        command = [PLCTL, "link", "start", str(scenario), "-n", name, *options]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)

    def line_with(self, words: str) -> str:
        """The next line that has these words."""
        assert self.process.stdout
        return next(line for line in self.process.stdout if words in line)

    def end(self) -> None:
        self.process.send_signal(signal.SIGINT)
        self.process.communicate(timeout=30)
        assert 0 == self.process.returncode


@pytest.fixture
def session(name: str, tmp_path: Path) -> Iterator[Session]:
    """The link is emulated, and scenario time has begun."""
    (tmp_path / "path.csv").write_text(CSV)
    made = Session(name, tmp_path / "path.csv", "--startup-mode", "app-start")
    made.line_with("scenario time began")
    yield made
    if made.process.poll() is None:
        made.end()
    assert made.process.stdout
    made.process.stdout.close()


def read(path: Path) -> Scenario:
    """The scenario in a file."""
    return read_scenario(given_files([str(path)]), ReadAs()).scenario


def ping_ms(name: str) -> float:
    """The least round-trip time of three."""
    command = [PLCTL, "link", "exec", "-n", name, "client", "ping", "-c", "3", "-i", "0.1", "192.168.66.2"]
    said = subprocess.run(command, capture_output=True, text=True, check=True, timeout=20).stdout
    return float(said.split("min/avg/max/mdev = ")[1].split("/")[0])


@pytest.mark.undisturbed
@pytest.mark.usefixtures("session")
def test_a_change_takes_effect_at_once(name: str) -> None:
    """What the client measures is the new delay of both ways; the answer says since when, and from what to what."""
    assert ping_ms(name) < 20
    done = plctl("link", "set", "-n", name, "--delay", "20ms/30ms")
    assert 0 == done.exit_code, done.output
    assert f"link {name} from " in done.output
    assert "s of scenario time on: up delay 1 ms → 20 ms; down delay 1 ms → 30 ms" in done.output
    assert 50 <= ping_ms(name) < 70


def test_a_session_is_written_as_the_scenario_that_replays_it(name: str, session: Session, tmp_path: Path) -> None:
    """Every change is a row at its very nanosecond, while it goes on and after it; and a link can follow the file."""
    first = json.loads(plctl("link", "set", "-n", name, "--json", "--rate", "5Mbps", "--loss", "1%").stdout)
    second = json.loads(
        plctl("link", "set", "-n", name, "--json", "--down", "--delay", "4ms", "--route", "9", "--hold").stdout
    )
    assert "changed both ways rate 100 Mbit/s → 5 Mbit/s, loss 0 % → 1 %" in session.line_with("changed both")
    assert "changed down delay 1 ms → 4 ms, route 1 → 9, kept over later rows" in session.line_with("changed down")
    recorded = plctl("link", "record", "-n", name, "-o", str(tmp_path / "live.csv"))
    assert 0 == recorded.exit_code, recorded.output
    assert f"2 changes; it was emulated by: plctl link start {tmp_path}/path.csv -n {name}" in recorded.stderr
    session.end()
    assert 0 == plctl("link", "record", "-n", name, "-o", str(tmp_path / "after.csv")).exit_code
    live, after = read(tmp_path / "live.csv"), read(tmp_path / "after.csv")
    assert (live.up, live.down) == (after.up, after.down)
    for at_ns in (first["at_ns"], second["at_ns"]):
        assert at_ns in list(live.down.column("time_ns"))
    assert (100_000_000, 5_000_000, 50_000_000) == tuple(
        live.up.row_at(t).rate_bps for t in (first["at_ns"] - 1, first["at_ns"], 3600 * NS_PER_S)
    )
    down = [live.down.row_at(t) for t in (second["at_ns"] - 1, second["at_ns"], 3600 * NS_PER_S)]
    assert [(NS_PER_MS, 1), (4 * NS_PER_MS, 9), (4 * NS_PER_MS, 9)] == [(row.delay_ns, row.route) for row in down]
    assert [10**7, 10**7, 0] == [row.loss_ppb for row in down]
    again = Session(name, tmp_path / "after.csv", "--duration", "100ms", "--startup-mode", "app-start")
    again.process.communicate(timeout=30)
    assert 0 == again.process.returncode


def test_what_cannot_be_is_refused(name: str, tmp_path: Path) -> None:
    """Where nobody emulates the link, and before scenario time; each says what to do."""
    idle = plctl("link", "set", "-n", name, "--delay", "20ms")
    assert (2, True) == (idle.exit_code, "start that first: plctl link start SCENARIO" in idle.output)
    nothing = plctl("link", "record", "-n", name)
    assert (2, True) == (nothing.exit_code, "since it was set up" in nothing.output)
    (tmp_path / "path.csv").write_text(CSV)
    waiting = Session(name, tmp_path / "path.csv")
    waiting.line_with("by the first row until the first packet")
    early = plctl("link", "set", "-n", name, "--delay", "20ms")
    assert (2, True) == (early.exit_code, "has not started" in early.output), early.output
    waiting.end()


def recorded_of(name: str, path: Path) -> Scenario:
    """What was in force until now."""
    path.unlink(missing_ok=True)
    assert 0 == plctl("link", "record", "-n", name, "-o", str(path)).exit_code
    return read(path)


def test_a_scenario_that_repeats_goes_on_repeating_around_a_change(name: str, tmp_path: Path) -> None:
    """What was changed holds until the next row; the rounds after it are as before; the record has all of them."""
    (tmp_path / "path.csv").write_text("Time[ms],RouteID,Delay[ms],Btldr[Mbps]\n0,1,1,100\n300,1,2,100\n")
    repeating = Session(name, tmp_path / "path.csv", "--repeat", "--startup-mode", "app-start")
    repeating.line_with("scenario time began")
    at_ns = json.loads(plctl("link", "set", "-n", name, "--json", "--delay", "7ms").stdout)["at_ns"]
    while recorded_of(name, tmp_path / "before.csv").duration_ns <= at_ns:  # it is some milliseconds ahead
        time.sleep(0.01)
    repeating.end()
    recorded = recorded_of(name, tmp_path / "after.csv")
    round_ns = 600 * NS_PER_MS  # a period ends as long after the last row as that after the first
    assert 0 == recorded.up.period_ns
    assert 7 * NS_PER_MS == recorded.up.row_at(at_ns).delay_ns
    for t_ns in range(0, recorded.duration_ns, 300 * NS_PER_MS):
        assert (1 + (t_ns % round_ns > 0)) * NS_PER_MS == recorded.up.row_at(t_ns).delay_ns


def test_what_is_drawn_is_known_and_can_be_drawn_again(name: str, tmp_path: Path) -> None:
    """A seed that was chosen at random is told at once, and by `record` as part of the command; one's own is kept."""
    (tmp_path / "path.csv").write_text(CSV)
    for given in ([], ["--seed", "4711"]):
        made = Session(name, tmp_path / "path.csv", "--startup-mode", "app-start", *given)
        seed = made.line_with("emulating").partition("seed ")[2].partition(";")[0]
        made.line_with("scenario time began")
        made.end()
        assert made.process.stdout
        made.process.stdout.close()
        told = plctl("link", "record", "-n", name, "-o", str(tmp_path / "session.csv")).stderr
        assert told.rstrip().endswith(f"--seed {seed}")
        assert 1 == told.count("--seed")
        assert ("4711" == seed) == bool(given)
