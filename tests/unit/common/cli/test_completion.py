"""Shell completion, tried in the real shell."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from support.synthetic_run import RUN, handover_plan, make_run

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


SCRIPTS = [
    ("bash", "complete "),
    ("zsh", "compdef"),
    ("fish", "complete "),
    ("elvish", "edit:completion:arg-completer[plctl]"),
    ("nushell", "completions.external.completer"),
    ("powershell", "Register-ArgumentCompleter"),
]


@pytest.mark.parametrize(("shell", "word"), SCRIPTS)
def test_each_shell_has_its_script(shell: str, word: str) -> None:
    """The printed script speaks the shell's own language and calls back through one variable."""
    result = CliRunner().invoke(root, ["completion", shell])
    assert result.exit_code == 0
    assert word in result.output
    assert "_PLCTL_COMPLETE" in result.output


def offered(shell: str, *words: str, cwd: Path) -> list[str]:
    """What `plctl` answers the script of `shell`, which asks in the environment what the last of `words` may become."""
    asked = {"_PLCTL_COMPLETE": f"{shell}_complete", "PLCTL_COMPLETE_WORDS": "\n".join(["plctl", *words])}
    done = subprocess.run(
        [sys.executable, "-P", "-m", "plctl.common"],
        env={"PATH": "/usr/bin:/bin", "HOME": str(cwd), **asked}, cwd=cwd,
        capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    assert "" == done.stderr
    return [line.split("\t")[1] for line in done.stdout.splitlines() if line]


@pytest.mark.parametrize("shell", ["elvish", "nushell", "powershell"])
def test_shells_that_click_does_not_know(shell: str, tmp_path: Path) -> None:
    """They get commands and choices, and the runs, links and hosts that there are."""
    make_run(tmp_path / "runs", (handover_plan("leo-0"), handover_plan("geo"))).close()
    assert ["scenario"] == offered(shell, "sc", cwd=tmp_path)
    assert ["zsh"] == offered(shell, "completion", "z", cwd=tmp_path)
    assert ["last", RUN] == offered(shell, "show", "", cwd=tmp_path)
    assert [RUN] == offered(shell, "report", RUN[:4], cwd=tmp_path)
    assert [RUN[-4:]] == offered(shell, "show", RUN[-4:-1], cwd=tmp_path)
    assert ["leo-0"] == offered(shell, "packets", "last", "le", cwd=tmp_path)
    assert ["edge-1"] == offered(shell, "events", RUN, "--host", "e", cwd=tmp_path)
    assert [] == offered(shell, "why", "--run", "nothing", "le", cwd=tmp_path)


def test_another_shell_is_refused_with_the_legal_ones() -> None:
    """An unknown shell is the user's mistake, and the message lists those there are."""
    result = CliRunner().invoke(root, ["completion", "tcsh"])
    assert result.exit_code == 2
    assert all(shell in result.output for shell, _ in SCRIPTS)


def test_the_script_for_powershell_closes_what_it_opens() -> None:
    """Brackets pair outside of quotes, and what it sets in the environment it takes back, by quoted names."""
    script = CliRunner().invoke(root, ["completion", "powershell"]).output
    bare = re.sub(r"'[^'\n]*'|\"[^\"\n]*\"", "''", script)
    opened: list[str] = []
    for mark in re.findall(r"[][(){}]", bare):
        if mark in "([{":
            opened.append(mark)
        else:
            assert mark == {"(": ")", "[": "]", "{": "}"}[opened.pop()]
    assert [] == opened
    assert not set("'\"") & set(bare.replace("''", ""))
    names = set(re.findall(r"\$env:(\w+) =", script))
    assert names == set(re.findall(r"'Env:(\w+)'", script)) == {"_PLCTL_COMPLETE", "PLCTL_COMPLETE_WORDS"}
