"""What a run says of its programs, on a terminal as anywhere else."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from support.pseudo_terminal import terminal

PLCTL = [sys.executable, "-m", "plctl.common"]
SPEC = """\
name: hostile
links:
  - name: leo
    scenario: a.csv
    workload:
      - at: client
        start: 0s
        command: [sh, -c, "printf '\\\\033]0;owned\\\\007\\\\033[31mred fatal\\\\nTry --help\\\\n' >&2; kill $$"]
"""
#: What rich itself sends: colours, and movements within its own picture.
OUR_OWN = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def test_a_programs_control_characters_reach_no_terminal(tmp_path: Path) -> None:
    """The run, `why`, `events` and `show` write them out; the cause is the telling line, the signal has its name."""
    (tmp_path / "a.csv").write_text("Time[ms],RouteID,Delay[ms],Btldr[Mbps]\n0,0,5,20\n")
    (tmp_path / "e.yaml").write_text(SPEC)
    with terminal([*PLCTL, "run", "e.yaml"], tmp_path) as screen:
        assert 1 == screen.finish()
        said = {"run": screen.text}
    for command in (["why", "leo"], ["events"], ["show"]):
        with terminal([*PLCTL, *command], tmp_path) as screen:
            screen.finish()
            said[command[0]] = screen.text
    for name, text in said.items():
        plain = OUR_OWN.sub("", text)
        assert "\x1b" not in plain, f"{name}: {plain!r}"
        assert "\x07" not in plain
        assert "\x1b[31mred" not in text
        joined = " ".join(plain.split())
        assert r"was killed by SIGTERM: \x1b]0;owned\x07\x1b[31mred fatal" in joined, f"{name}: {plain!r}"
    document = subprocess.run([*PLCTL, "show", "--json"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert "\x1b" not in document.stdout
