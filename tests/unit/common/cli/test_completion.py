"""Shell completion, tried in the real shell."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from plctl.common.cli.root_command import root

#: Sources the script, types `plctl sc` for the shell, and prints what it would offer.
TRY = """
eval "$(plctl completion bash)"
COMP_WORDS=({words}) COMP_CWORD={index}
_plctl_completion plctl
printf '%s\\n' "${{COMPREPLY[@]}}"
"""


def complete_in_bash(words: str, index: int) -> list[str]:
    """What bash offers for the word `index` of `words`."""
    path = f"{Path(sys.executable).parent}:/usr/bin:/bin"
    done = subprocess.run(
        ["bash", "--norc", "-c", TRY.format(words=words, index=index)],
        env={"PATH": path},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert done.stderr == ""
    return done.stdout.split()


def test_bash_completes_a_command() -> None:
    """`plctl sc<Tab>` becomes `plctl scenario`."""
    assert complete_in_bash("plctl sc", 1) == ["scenario"]


def test_bash_completes_an_argument() -> None:
    """Arguments of subcommands complete too."""
    assert complete_in_bash("plctl completion z", 2) == ["zsh"]


@pytest.mark.parametrize(("shell", "word"), [("bash", "complete "), ("zsh", "compdef"), ("fish", "complete ")])
def test_each_shell_has_its_script(shell: str, word: str) -> None:
    """The printed script speaks the shell's own language and calls back through one variable."""
    result = CliRunner().invoke(root, ["completion", shell])
    assert result.exit_code == 0
    assert word in result.output
    assert "_PLCTL_COMPLETE" in result.output


def test_another_shell_is_refused_with_the_legal_ones() -> None:
    """An unknown shell is the user's mistake, and the message lists the three."""
    result = CliRunner().invoke(root, ["completion", "tcsh"])
    assert result.exit_code == 2
    assert all(shell in result.output for shell in ("bash", "zsh", "fish"))
