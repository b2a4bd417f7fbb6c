"""Undoes what a truth run did once it is over, or was killed: run by it, with a JSON list a line on standard input.

    ["run", pid, began, state folder, python]   end `plctl run`, and remove what it leaves
    ["stopped", pid, began]                     let it continue
    ["helper", pid, began]                      kill it
    ["group", path]                             remove the control group, whose processes go to the one above
    ["mount", path]                             unmount it
    ["folder", path]                            remove the folder

At the end of the input all of that is done, in the order in which it stands here.
"""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

_PATIENCE_S = 15


def _is_alive(pid, began):
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return False
    return fields[19] == began and fields[0] != "Z"


def _send(pid, began, number):
    with contextlib.suppress(OSError):
        descriptor = os.pidfd_open(pid)
        try:
            if _is_alive(pid, began):
                signal.pidfd_send_signal(descriptor, number)
        finally:
            os.close(descriptor)


def _await_end(pid, began):
    deadline = time.monotonic() + _PATIENCE_S
    while _is_alive(pid, began) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not _is_alive(pid, began)


def _end_run(pid, began, state, python):
    if _is_alive(pid, began):
        _send(pid, began, signal.SIGINT)
        if not _await_end(pid, began):
            _send(pid, began, signal.SIGKILL)
            _await_end(pid, began)
    if any(path.is_dir() for path in Path(state).iterdir()):
        environment = dict(os.environ, PLCTL_STATE_DIR=state)
        subprocess.run([python, "-m", "plctl.common", "clean"], env=environment, capture_output=True, check=False)


def _remove_group(path):
    for name in ("tasks", "cgroup.procs"):
        with contextlib.suppress(OSError):
            for pid in Path(path, name).read_text().split():
                with contextlib.suppress(OSError):
                    Path(path).parent.joinpath(name).write_text(pid)
    deadline = time.monotonic() + _PATIENCE_S
    while Path(path).exists() and time.monotonic() < deadline:
        with contextlib.suppress(OSError):
            Path(path).rmdir()
        time.sleep(0.005)


def _remove_folder(path):
    """Unless something is still mounted below it."""
    if f" {path}/" not in Path("/proc/self/mounts").read_text():
        shutil.rmtree(path, ignore_errors=True)


def main():
    """Learn, wait, undo."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    notes = {"run": [], "stopped": [], "helper": [], "group": [], "mount": [], "folder": []}
    for line in sys.stdin:
        what, *words = json.loads(line)
        notes[what].append(words)
    for words in notes["stopped"]:
        _send(*words, signal.SIGCONT)
    for words in notes["helper"]:
        _send(*words, signal.SIGKILL)
    for words in notes["run"]:
        _end_run(*words)
    for (path,) in notes["group"]:
        _remove_group(path)
    for (path,) in notes["mount"]:
        subprocess.run(["umount", path], capture_output=True, check=False)
    for (path,) in notes["folder"]:
        _remove_folder(path)


if __name__ == "__main__":
    main()
