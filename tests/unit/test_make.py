"""What `make` says to whoever sets plctl up: what it does, and what is missing, in words that can be typed."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
from pathlib import Path

import click
from support.room_imports import ROOT

from plctl.common.cli.root_command import root

_PR_CAPBSET_DROP = 24
_CAP_NET_ADMIN = 12


def progress(log: Path, *command: str, every: str) -> list[str]:
    """How the Makefile runs a long command."""
    return [sys.executable, "-I", str(ROOT / ".ci/progress"), "--every", every, str(log), *command]


def run(command: list[str]) -> subprocess.CompletedProcess[str]:
    """Run `command` to its end."""
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_a_long_command_says_what_it_does(tmp_path: Path) -> None:
    """What it printed last is seen while it runs, and all of it is kept in the log."""
    log, go_on = tmp_path / "log", tmp_path / "go-on"
    os.mkfifo(go_on)
    waiting = f"echo Collecting pyarrow; read word < {go_on}; echo done"
    with subprocess.Popen(progress(log, "sh", "-c", waiting, every="0.01"), stdout=subprocess.PIPE, text=True) as shown:
        assert shown.stdout is not None
        assert any(line == "    0 s  Collecting pyarrow\n" for line in shown.stdout)
        go_on.write_text("word\n")
        shown.stdout.read()
    assert (0, "Collecting pyarrow\ndone\n") == (shown.returncode, log.read_text())


def test_a_short_command_says_nothing(tmp_path: Path) -> None:
    """So that a step of a second is one line."""
    assert "" == run(progress(tmp_path / "log", "echo", "quick", every="60")).stdout


def test_a_command_that_fails_shows_all_that_it_printed(tmp_path: Path) -> None:
    """But not what the commands before it did, and its exit status is passed on."""
    (tmp_path / "log").write_text("of another step\n")
    ended = run(progress(tmp_path / "log", "sh", "-c", "echo no such package; exit 7", every="60"))
    assert 7 == ended.returncode
    assert "no such package\nmake: the step above failed, see its output\n" == ended.stderr


def _without_a_privilege() -> None:
    ctypes.CDLL(None).prctl(_PR_CAPBSET_DROP, _CAP_NET_ADMIN, 0, 0, 0)  # refused to whoever has none anyway


def test_make_says_the_arguments_again_behind_sudo() -> None:
    """Before it builds anything."""
    asked = ["make", "test", "ARGS=-k units -x"]
    # What a make tells those that it starts would have this one say where it is.
    outside = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    ended = subprocess.run(
        asked, cwd=ROOT, env=outside, preexec_fn=_without_a_privilege, capture_output=True, text=True, check=False
    )
    assert "" == ended.stdout
    assert "sudo make test ARGS='-k units -x'\n" in ended.stderr


def test_python_keeps_what_it_compiles() -> None:
    """Whatever the environment says: else each program that a test starts compiles plctl anew."""
    outside = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    command = ["make", "-C", str(ROOT), "--eval=shown:; @env", "shown"]
    shown = subprocess.run(command, env=outside, capture_output=True, text=True, check=True).stdout
    assert "PATH=" in shown
    assert "PYTHONDONTWRITEBYTECODE" not in shown


def test_what_the_debian_package_tells_users_follows_from_the_commands(tmp_path: Path) -> None:
    """A man page for each command, and a sample of the agent's settings; the package itself is built by tests/hosts."""
    written = run([sys.executable, "-P", str(ROOT / "deploy/debian/man-pages"), str(tmp_path)])
    assert (0, "") == (written.returncode, written.stderr)
    assert {f"plctl-{name}.1" for name in root.list_commands(click.Context(root))} <= {
        page.name for page in tmp_path.iterdir()
    }
    assert ".B \\-\\-budget" in (tmp_path / "plctl-run.1").read_text()
    assert "\nPLCTL_CONTROLLER=tcp://" in (ROOT / "deploy/debian/plctl-agent.default").read_text()
