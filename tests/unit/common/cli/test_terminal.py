"""Nothing that a program, a file or another host says can steer the terminal of whoever reads it."""

import re
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from plctl.common.base.errors import WorldError
from plctl.common.base.printable import printable
from plctl.common.cli.root_command import root
from plctl.common.cli.terminal import echo, echo_marked, warn

ROOT = Path(__file__).parents[4]
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b]0;owned\x07\x1b[31mred", r"\x1b]0;owned\x07\x1b[31mred"),
        ("a\nb\tc\r", r"a\nb\tc\r"),
        ("\x9b31m\x7f", r"\x9b31m\x7f"),
        ("gpj.\u202eexe", r"gpj.\u202eexe"),
        ("\ud800", r"\ud800"),
        ("naïve – 11 000 µs → 漢字 🛰", "naïve – 11 000 µs → 漢字 🛰"),
    ],
)
def test_control_characters_are_written_out(text: str, shown: str) -> None:
    """What would move a cursor, end a line or hide text is shown as Python writes it; all other text stays."""
    assert shown == printable(text)


@given(st.text())
def test_nothing_gets_through(text: str) -> None:
    """Whatever the text, what is printed of it is one harmless line that UTF-8 can carry."""
    shown = printable(text)
    assert CONTROL.search(shown) is None
    shown.encode()


def test_echo_keeps_lines_and_tabs(capfd: pytest.CaptureFixture[str]) -> None:
    """A message of ours may have several lines; what is in them is escaped on either stream."""
    echo("a\n\tb\x1b[2J")
    warn("c\x1b[2J")
    echo_marked("error:", "red", "d\x07", err=True)
    assert ("a\n\tb\\x1b[2J\n", "warning: c\\x1b[2J\nerror: d\\x07\n") == tuple(capfd.readouterr())


def test_an_errors_words_are_escaped(monkeypatch: pytest.MonkeyPatch) -> None:
    """A cause that came from a program or another host reaches the terminal as text."""
    fail = next(command for command in [root.get_command(None, "runs")] if command)  # type: ignore[arg-type]

    def refuse(**_: object) -> None:
        raise WorldError("it said \x1b]0;owned\x07")

    monkeypatch.setattr(fail, "callback", refuse)
    result = CliRunner().invoke(root, ["runs"], color=True)
    assert "\x1b[31merror:\x1b[0m it said \\x1b]0;owned\\x07\n" == result.stderr


@pytest.mark.parametrize(
    ("pattern", "allowed"),
    [
        (r"click\.s?echo\(", {"common/cli/terminal.py"}),
        (r"(?<![\w.])print\(", {"agent/doctor/kernel_trial.py", "deploy/slurm/node_key.py", "deploy/on_host/main.py",
                                "deploy/slurm/scripts.py", "deploy/ssh/probe.py"}),
        (r"(?<!\w)Console\(", set()),
    ],
)  # fmt: skip
def test_there_is_one_way_to_the_terminal(pattern: str, allowed: set[str]) -> None:
    """Commands print by what escapes; the exceptions speak to programs of ours, not to people."""
    found = {
        str(path.relative_to(ROOT))
        for folder in ("common", "agent", "controller", "deploy")
        for path in (ROOT / folder).rglob("*.py")
        if re.search(pattern, path.read_text(encoding="utf-8"))
    }
    assert allowed == found
