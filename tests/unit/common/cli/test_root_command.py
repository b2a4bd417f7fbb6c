"""The root command: what it imports, how it orders, and how it ends."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import EntryPoint

import click
import pytest
from click.testing import CliRunner

from plctl.common import __version__
from plctl.common.base.errors import InputError, PlctlError, Problem, UserError, WorldError
from plctl.common.cli import root_command

HEAVY = ("matplotlib", "plotext", "pyarrow", "pydantic", "yaml", "rich", "numpy", "plctl.controller")


def commands(monkeypatch: pytest.MonkeyPatch, **values: str) -> None:
    """Make `values` (name → module:attribute) the only registered commands."""
    found = {name: EntryPoint(name, value, root_command.GROUP) for name, value in values.items()}
    monkeypatch.setattr(root_command, "_registered", lambda: found)


def root_with(callback: Callable[[], None]) -> click.Group:
    """A root group whose only command `it` calls `callback`."""
    group = root_command.RootGroup("plctl")
    group.add_command(click.Command("it", callback=callback))
    return group


def raising(error: BaseException) -> click.Group:
    """A root group whose only command raises `error`."""

    def fail() -> None:
        raise error

    return root_with(fail)


def python(code: str) -> subprocess.CompletedProcess[str]:
    """Run `code` in a fresh interpreter, so that what it imports can be seen."""
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60)


@pytest.mark.parametrize(
    "arguments",
    [
        ["--version"],
        ["completion", "fish"],
        ["doctor", "--help"],
        pytest.param(["link", "list"], marks=pytest.mark.needs_root),
    ],
)
def test_a_command_of_the_agent_imports_nothing_of_the_controller(arguments: list[str]) -> None:
    """Agents' hosts have only the agent's packages, and a quick command stays quick."""
    code = (
        "import sys; from plctl.common.cli.root_command import root\n"
        f"status = root.main({arguments!r}, standalone_mode=False)\n"
        f"print('heavy:', [m for m in {HEAVY!r} if m in sys.modules])"
    )
    done = python(code)
    assert "heavy: []" in done.stdout, done.stdout + done.stderr


@pytest.mark.parametrize("name", sorted(root_command._registered()))
def test_every_registered_command_exists_and_explains_itself(name: str) -> None:
    """`plctl NAME --help` works for each, whatever its packages."""
    result = CliRunner().invoke(root_command.root, [name, "--help"])
    assert result.exit_code == 0, result.output
    assert result.output.startswith(f"Usage: plctl {name}")


def test_version_is_the_distributions() -> None:
    """`plctl --version` prints one line, name and version."""
    assert CliRunner().invoke(root_command.root, ["--version"]).output == f"plctl {__version__}\n"


def test_help_lists_commands_in_the_order_of_meeting_them() -> None:
    """A newcomer reads `run` first and `completion` last, and sees examples."""
    output = CliRunner().invoke(root_command.root, ["--help"]).output
    listed = [line.split()[0] for line in output.partition("Commands:\n")[2].splitlines() if line.startswith("  ")]
    expected = ["run", "report", "scenario", "link", "probe", "doctor", "clean", "agent", "completion"]
    assert expected == [word for word in listed if word in expected][: len(expected)]
    assert "sudo plctl run scenarios/quickstart.yaml" in output


def test_an_unlisted_command_follows_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """A command that `_ORDER` does not know is still found, after those it knows."""
    commands(monkeypatch, zebra="z:z", run="r:r", ant="a:a")
    assert root_command.root.list_commands(click.Context(root_command.root)) == ["run", "ant", "zebra"]


def test_an_unknown_command_is_the_users_mistake() -> None:
    """A typing error ends with status 2 and names the word."""
    result = CliRunner().invoke(root_command.root, ["rum"])
    assert result.exit_code == 2
    assert "rum" in result.output


@pytest.mark.parametrize("arguments", [["heavy"], ["heavy", "--help"], ["heavy", "x", "--y"]])
def test_a_command_without_its_packages_says_which_to_install(
    monkeypatch: pytest.MonkeyPatch, arguments: list[str]
) -> None:
    """Whatever is asked of a command that cannot be imported, the answer is how to mend that."""
    commands(monkeypatch, heavy="a_package_nobody_has.module:command")
    result = CliRunner().invoke(root_command.root, arguments)
    assert result.exit_code == 2
    assert "pip install 'plctl[controller]'" in result.output
    assert "a_package_nobody_has" in result.output


def test_a_command_without_its_packages_is_still_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Help is complete on an agent's host."""
    commands(monkeypatch, heavy="a_package_nobody_has.module:command")
    result = CliRunner().invoke(root_command.root, ["--help"])
    assert result.exit_code == 0
    assert "heavy" in result.output.partition("Commands:")[2]


def test_a_package_that_is_missed_only_when_a_command_runs_is_named_too() -> None:
    """Commands import heavy packages late; the sentence is the same."""
    result = CliRunner().invoke(raising(ModuleNotFoundError("no", name="a_package_nobody_has.module")), ["it"])
    assert result.exit_code == 2
    sentence = "plctl it needs the controller's packages (a_package_nobody_has is missing here): "
    assert f"error: {sentence}pip install 'plctl[controller]'\n" == result.stderr


def test_a_missing_module_of_our_own_is_not_blamed_on_the_user(monkeypatch: pytest.MonkeyPatch) -> None:
    """A broken entry point of ours is a bug and keeps its traceback."""
    commands(monkeypatch, broken="plctl.common.no_such_module:command")
    assert isinstance(CliRunner().invoke(root_command.root, ["broken"]).exception, ModuleNotFoundError)


@pytest.mark.parametrize(("error", "status"), [(UserError("it is wrong"), 2), (WorldError("it is down"), 1)])
def test_a_deliberate_error_is_a_sentence_and_its_status(error: PlctlError, status: int) -> None:
    """No traceback for a mistake or a failing machine: one line on stderr, uncoloured off a terminal."""
    result = CliRunner().invoke(raising(error), ["it"])
    assert (status, f"error: {error}\n", "") == (result.exit_code, result.stderr, result.stdout)


def test_several_problems_stand_on_their_own_lines() -> None:
    """All problems of a file are shown, one a line."""
    error = InputError([Problem("a.csv", 3, 1, "late"), Problem("a.csv", 2, 0, "early")])
    result = CliRunner().invoke(raising(error), ["it"])
    assert result.stderr == "error:\n  a.csv:2: early\n  a.csv:3:1: late\n"


def test_the_word_error_is_red_on_a_terminal() -> None:
    """Where colour is wanted, only the word is coloured."""
    result = CliRunner().invoke(raising(UserError("it is wrong")), ["it"], color=True)
    assert result.stderr == "\x1b[31merror:\x1b[0m it is wrong\n"


def test_ctrl_c_is_130_without_a_word() -> None:
    """A cancelled command ends as shells expect it."""
    result = CliRunner().invoke(raising(KeyboardInterrupt()), ["it"])
    assert (130, "") == (result.exit_code, result.output)


def test_a_closed_pipe_is_quiet() -> None:
    """`plctl … | head -1` prints no complaint, even for output that is flushed only at the end."""
    code = (
        "import os, sys, click; from plctl.common.cli import root_command as cli\n"
        "read, write = os.pipe(); os.close(read); os.dup2(write, 1)\n"
        "group = cli.RootGroup('plctl')\n"
        "group.add_command(click.Command('it', callback=lambda: print('x')))\n"
        "group.main(['it'])"
    )
    assert python(code).stderr == ""


def test_a_bug_keeps_its_traceback_and_asks_for_a_report() -> None:
    """An error nobody meant is shown whole, with one line that says what to do."""
    code = (
        "import sys; from plctl.common.cli import root_command as cli\n"
        "import click; cli.root.add_command(click.Command('it', callback=lambda: 1 / 0))\n"
        "sys.argv = ['plctl', 'it']; cli.main()"
    )
    done = python(code)
    assert done.returncode == 1
    assert "Traceback" in done.stderr
    assert "ZeroDivisionError: division by zero\nThis is a bug in plctl" in done.stderr


@pytest.mark.parametrize("module", ["click", "plctl.common.cli.root_command", "plctl.agent.commands.link"])
def test_ctrl_c_while_python_imports_is_quiet_too(module: str) -> None:
    """Whenever it comes: while the root command is imported, or a command's own module."""
    code = (
        "import builtins, importlib.abc, os, signal, sys\n"
        "class Interrupting(importlib.abc.MetaPathFinder):\n"
        "    def find_spec(self, name, *_):\n"
        f"        if name == {module!r}: os.kill(os.getpid(), signal.SIGINT)\n"
        "sys.meta_path.insert(0, Interrupting())\n"
        "from plctl.common.cli.start import main\n"
        "sys.argv = ['plctl', 'link', 'list']\n"
        "main()"
    )
    done = python(code)
    assert (130, "", "") == (done.returncode, done.stdout, done.stderr)


def test_who_ignores_ctrl_c_goes_on_ignoring_it() -> None:
    """As a command in the background of a script does."""
    code = (
        "import os, signal, sys\n"
        "signal.signal(signal.SIGINT, signal.SIG_IGN)\n"
        "from plctl.common.cli import start\n"
        "from plctl.common.cli.root_command import root\n"
        "import click; root.add_command(click.Command('it', callback=lambda: os.kill(os.getpid(), signal.SIGINT)))\n"
        "sys.argv = ['plctl', 'it']; start.main()"
    )
    assert 0 == python(code).returncode
