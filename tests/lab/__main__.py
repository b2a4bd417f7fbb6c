"""Brings up a laboratory by hand: `PYTHONPATH=tests python -m lab 3`, and leaves you in a shell on its workstation.

`python -m lab 3 -- plctl deploy -i hosts.yaml` runs a command there instead. The laboratory ends with either.
"""

from __future__ import annotations

import os
import sys

from lab.real_host import USER
from lab.real_lab import RealLab


def main() -> int:
    """Carry out the order in argv; the exit status is the command's."""
    count, command = sys.argv[1], sys.argv[2:]
    if command[:1] == ["--"]:
        del command[0]
    with RealLab(int(count)) as lab:
        print(f"{lab.name} is up; {USER} has the password {lab.password}", file=sys.stderr)
        with lab.workstation.popen(command or [os.environ.get("SHELL", "sh")]) as process:
            return process.wait()


if __name__ == "__main__":
    sys.exit(main())
