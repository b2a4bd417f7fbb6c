"""Brings up a laboratory by hand: `PYTHONPATH=tests python -m lab 3`, and leaves you in a shell on its workstation.

`python -m lab 3 -- plctl deploy -i hosts.yaml` runs a command there instead. The laboratory ends with either.
"""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from pathlib import Path

from lab.control import PLCTL
from lab.deploying import fill_cache
from lab.real_host import USER
from lab.real_lab import RealLab
from lab.trees import cache_folder


def main() -> int:
    """Carry out the order in argv; the exit status is the command's."""
    count, command = sys.argv[1], sys.argv[2:]
    if command[:1] == ["--"]:
        del command[0]
    fill_cache(cache_folder() / "cache")  # the workstation reaches no package index
    with RealLab(int(count)) as lab:
        print(f"{lab.name} is up; {USER} has the password {lab.password}", file=sys.stderr)
        home = lab.workstation.home
        environment = {
            "PATH": f"{_tools(home / 'bin', home / '.ssh')}:{os.environ['PATH']}",
            "TERM": os.environ.get("TERM", "dumb"),
            "XDG_CACHE_HOME": str(cache_folder() / "cache"),
        }
        shell = [os.environ.get("SHELL", "sh")]
        with lab.workstation.popen(command or shell, env=environment, cwd=home) as process:
            return process.wait()


def _tools(folder: Path, keys: Path) -> Path:
    """Make `folder` with plctl, and an ssh that knows the hosts: OpenSSH's looks for no home but root's."""
    ssh = [shutil.which("ssh") or "ssh", "-i", str(keys / "id_ed25519"), "-o", f"UserKnownHostsFile={keys}/known_hosts"]
    folder.mkdir()
    for name, words in (("plctl", PLCTL), ("ssh", ssh)):
        (folder / name).write_text(f'#!/bin/sh\nexec {shlex.join(words)} "$@"\n')
        (folder / name).chmod(0o755)
    return folder


if __name__ == "__main__":
    sys.exit(main())
