"""An account of the host that means ill gets neither at what a run's programs write, nor at what plctl keeps.

Programs of a run that have an account of their own write into a folder that is open to any, for there may be several.
What keeps strangers out is its path: two folders that nobody may list, of which one has a name that is told nowhere.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from support.running import await_condition

from plctl.common.host.state import output_dir, state_dir

PLCTL = [sys.executable, "-m", "plctl.common"]
_STRANGER = 65533
SPEC = """
name: hostile
links:
  - name: x
    scenario: flat.csv
    workload:
      - {at: client, name: w, user: nobody, command: "sh -c 'echo > mine; while [ ! -e go ]; do sleep 0.02; done'"}
"""


def as_stranger(work: Callable[[], object]) -> object:
    """What `work` makes of the host in a process of an account that has no part in the run."""
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.setgroups([])
            os.setresgid(_STRANGER, _STRANGER, _STRANGER)
            os.setresuid(_STRANGER, _STRANGER, _STRANGER)
            os.write(write, json.dumps(work()).encode())
        finally:
            os.kill(os.getpid(), signal.SIGKILL)  # nothing of the test's is to be undone twice
    os.close(write)
    with os.fdopen(read, "rb") as said:
        text = said.read()
    os.waitpid(pid, 0)
    return json.loads(text)


def refused(attempt: Callable[[], object]) -> bool:
    """Whether the kernel says that this may not be."""
    try:
        attempt()
    except PermissionError:
        return True
    return False


def tellers(secret: str) -> list[str]:
    """The files of /proc that tell whoever asks `secret`, at this moment."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        for name in ("cmdline", "environ", "mountinfo", "cwd"):
            try:
                path = process / name
                text = str(path.readlink()) if name == "cwd" else path.read_text(errors="replace")
            except OSError:  # not for strangers, or it ended just now
                continue
            if secret in text:
                found.append(str(process / name))
    return found


def test_a_stranger_finds_no_way_to_what_programs_write(tmp_path: Path) -> None:
    """Neither by listing, nor by what /proc tells, and a link of theirs lies nowhere that root opens."""
    (tmp_path / "flat.csv").write_text("Time[ms],RouteID,Delay[ms],Btldr[Mbps]\n0,0,5,20\n")
    (tmp_path / "spec.yaml").write_text(SPEC)
    before = set(output_dir().glob("plctl-*"))
    with subprocess.Popen(
        [*PLCTL, "run", "spec.yaml"], cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as run:
        found: list[Path] = []

        def has_begun() -> bool:
            ours = set(output_dir().glob("plctl-*")) - before
            found[:] = [path for agent in ours for path in agent.glob("*-hostile-*/x/files/mine")]
            return bool(found)

        await_condition(has_begun, run)
        files = found[0].parent
        link, agent = files.parent, files.parents[2]
        secret = files.parents[1].name
        attempts: dict[str, Callable[[], object]] = {
            "list the agent's folder": lambda: list(agent.iterdir()),
            "list the run's folder": lambda: list((agent / secret).iterdir()),
            "put a link beside outputs": lambda: (link / "other.stdout").symlink_to("/etc/shadow"),
            "take an output away": (link / "w.stdout").unlink,
            "put a folder beside the run's": (agent / "run-0123456789abcdef").mkdir,
            "look at what plctl keeps": lambda: [list(path.iterdir()) for path in state_dir().iterdir()],
        }
        allowed = as_stranger(lambda: [name for name, attempt in attempts.items() if not refused(attempt)])
        told, told_to_root = as_stranger(lambda: tellers(secret)), tellers(secret)
        (files / "go").touch()
        said, _ = run.communicate(timeout=60)
    assert run.returncode in (0, 1), said
    assert [] == allowed
    assert [] == told
    assert told_to_root, "nobody is told, so the search finds nothing"
