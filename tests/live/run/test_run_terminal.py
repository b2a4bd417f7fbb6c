"""A run and its terminal: its program is heard, it says what it waits for, and it outlives what the terminal does."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from support.pseudo_terminal import PseudoTerminal, terminal

PLCTL = [sys.executable, "-m", "plctl.common"]
TABLE = "Time[ms],RouteID,Delay[ms],Btldr[Mbps]\n0,0,5,20\n"
#: Prints a line, waits until it may go on, prints another and something for standard error.
PROGRAM = (
    "import pathlib, sys, time\n"
    "print('first \\x1b[31m', flush=True)\n"
    "go = pathlib.Path(sys.argv[1])\n"
    "while not go.exists(): time.sleep(0.01)\n"
    "print('second', flush=True); print('aside', file=sys.stderr)\n"
)
#: Serves for ever, but has clients that end; and takes its time to listen.
SERVING = """\
name: serving
links:
  - name: leo
    scenario: a.csv
    workload:
      - {at: server, start: 0s, command: [PYTHON, -m, http.server, "80"]}
      - {at: client, start: 0.5s, command: [PYTHON, -c, "import urllib.request as u; u.urlopen('http://192.168.66.2')"]}
"""
SLOW = """\
name: slow
duration: 1s
links:
  - name: leo
    scenario: a.csv
    workload:
      - {at: server, command: "until test -e GO; do sleep 0.1; done; touch there; sleep 60", ready: {file: there}}
      - {at: client, command: sleep 30, start: 0s}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """With a scenario of one row."""
    (tmp_path / "a.csv").write_text(TABLE)
    return tmp_path


def program(folder: Path) -> list[str]:
    return [sys.executable, "-c", PROGRAM, str(folder / "go")]


def record(folder: Path) -> dict[str, Any]:
    """What the only run left."""
    (path,) = (folder / "runs").iterdir()
    found: dict[str, Any] = json.loads((path / "run.json").read_text())
    assert (path / "report.html").exists()
    assert (path / "telemetry.parquet").exists()
    return found


def test_a_program_is_heard_while_it_runs(folder: Path) -> None:
    """Its own bytes go to a pipe, line by line as it prints them; what plctl says goes to standard error."""
    with subprocess.Popen(
        [*PLCTL, "run", "a.csv", "--", *program(folder)],
        cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as run:  # fmt: skip
        assert run.stdout
        assert "first \x1b[31m\n" == run.stdout.readline()
        assert run.poll() is None
        (folder / "go").touch()
        out, err = run.communicate(timeout=60)
    assert "second\n" == out
    assert "aside\n" in err
    assert "verdict:" in err


def test_quiet_leaves_the_program_alone(folder: Path) -> None:
    """With --quiet there is nothing but what the program prints, each to its own stream."""
    (folder / "go").touch()
    done = subprocess.run(
        [*PLCTL, "run", "-q", "a.csv", "--", *program(folder)],
        cwd=folder, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    if done.returncode == 0:  # else the machine was late, which is told
        assert ("first \x1b[31m\nsecond\n", "aside\n") == (done.stdout, done.stderr)
    assert "first \x1b[31m\nsecond\n" == done.stdout


def test_on_a_terminal_a_program_is_escaped(folder: Path) -> None:
    """Lines come as they are printed, control characters written out."""
    with terminal([*PLCTL, "run", "a.csv", "--", *program(folder)], folder) as screen:
        screen.wait_for(r"first \x1b[31m")
        (folder / "go").touch()
        screen.finish()
        assert "second\r\n" in screen.text
        assert "\x1b[31mfirst" not in screen.text


def test_a_server_without_an_end_does_not_hold_a_run(folder: Path) -> None:
    """Once its clients are done and it only waits for others, the run is over, and that is no failure."""
    (folder / "s.yaml").write_text(SERVING.replace("PYTHON", sys.executable))
    done = subprocess.run([*PLCTL, "run", "s.yaml", "--json"], cwd=folder, capture_output=True, timeout=60, check=False)
    (link,) = json.loads(done.stdout)["links"]
    assert [("server", ""), ("client", "")] == [(each["name"], each["cause"]) for each in link["workloads"]]
    assert "failed" != link["verdict"]


def test_a_run_says_what_it_waits_for(folder: Path) -> None:
    """On the screen, and to whoever looks at its folder meanwhile."""
    (folder / "s.yaml").write_text(SLOW.replace("GO", str(folder / "go")))
    with terminal([*PLCTL, "run", "s.yaml"], folder) as screen:
        screen.wait_for("to make the file there, 2 s")
        assert "waiting for leo/server (until test -e" in screen.text
        look = subprocess.run([*PLCTL, "show"], cwd=folder, capture_output=True, text=True, timeout=60, check=False)
        (folder / "go").touch()
        screen.finish()
    assert "waiting for leo/server" in look.stdout


def cancelled(folder: Path, screen: PseudoTerminal) -> None:
    """The run ended in good order, with a verdict, a report and closed telemetry."""
    assert 130 == screen.process.wait(60)
    assert "cancelled" == record(folder)["verdict"]


@pytest.mark.parametrize("gone", ["vanish", "hang up"])
def test_a_terminal_that_goes_away(folder: Path, gone: str) -> None:
    """A closed window, a broken connection: the run ends as by SIGTERM, and nothing of it is lost."""
    with terminal([*PLCTL, "run", "a.csv", "--duration", "60s"], folder) as screen:
        screen.wait_for("running")
        screen.vanish() if gone == "vanish" else os.kill(screen.process.pid, signal.SIGHUP)
        cancelled(folder, screen)


def test_impatience(folder: Path) -> None:
    """Ctrl-C is acknowledged at once; pressed again and again it loses nothing."""
    with terminal([*PLCTL, "run", "a.csv", "--duration", "60s"], folder) as screen:
        screen.wait_for("running")
        screen.type(b"\x03")
        screen.wait_for("cancelling, writing the report")
        while screen.process.poll() is None:
            screen.type(b"\x03")
            time.sleep(0.05)  # a user's pace, not a condition
        screen.finish()
        cancelled(folder, screen)


def test_ctrl_c_before_there_is_an_agent(folder: Path) -> None:
    """Whenever it comes: either nothing was made, or the run has a verdict."""
    with terminal([*PLCTL, "run", "a.csv", "--duration", "60s"], folder) as screen:
        while not (folder / "runs").exists():
            assert screen.process.poll() is None
        screen.type(b"\x03")
        screen.finish()
        cancelled(folder, screen)


def test_a_stopped_terminal(folder: Path) -> None:
    """After Ctrl-S a run goes on to its end; what it has to say waits for Ctrl-Q."""
    with terminal([*PLCTL, "run", "a.csv", "--duration", "2s"], folder) as screen:
        screen.wait_for("preparing")
        screen.type(b"\x13")
        path = None
        while not (path and (path / "report.html").exists()):
            assert screen.process.poll() is None
            path = next(iter((folder / "runs").glob("*")), None)
        screen.type(b"\x11")
        screen.finish()
        assert "verdict" in screen.text
        assert record(folder)["verdict"] in ("ok", "late", "skewed")


@pytest.mark.parametrize("pipe", ["2>&1 | head -n 1", "> /dev/full 2>&1", ">&- 2>&-"])
def test_output_that_goes_nowhere(folder: Path, pipe: str) -> None:
    """A reader that leaves, a full disk, no descriptors at all: the run and its exit status are what they would be."""
    run = " ".join(PLCTL) + " run a.csv --duration 1s"
    done = subprocess.run(
        ["bash", "-c", f"{run} {pipe}; exit ${{PIPESTATUS[0]}}"],
        cwd=folder,
        capture_output=True,
        timeout=60,
        check=False,
    )
    verdict = record(folder)["verdict"]
    assert verdict in ("ok", "late", "skewed")
    assert int(verdict != "ok") == done.returncode
