"""A process that leaves at once loses nothing of what Python would have done at its end."""

from __future__ import annotations

import subprocess
import sys

import pytest

BEGIN = "import atexit, sys, threading, time\nfrom plctl.common.base.leaving import leave, leave_as\n"


def python(code: str) -> subprocess.CompletedProcess[str]:
    """Run `code` in an interpreter of its own."""
    return subprocess.run([sys.executable, "-c", BEGIN + code], capture_output=True, text=True, check=False, timeout=60)


def test_what_was_printed_and_what_was_asked_for_is_done() -> None:
    """Buffers are written, functions of `atexit` called, the status is the one that was given."""
    done = python("sys.stdout.write('a')\nsys.stderr.write('b')\natexit.register(print, 'c')\nleave(3)")
    assert (3, "ac\n", "b") == (done.returncode, done.stdout, done.stderr)


def test_modules_are_not_taken_apart() -> None:
    """What Python does with modules at the end, object by object, is left to the kernel."""
    code = "class Last:\n  def __del__(self): sys.stdout.write('taken apart')\nlast = Last()\n"
    assert ["taken apart", ""] == [python(code).stdout, python(code + "leave()").stdout]


def test_a_thread_that_works_is_waited_for() -> None:
    """As Python does; a daemon thread is not."""
    work = "threading.Thread(target=lambda: (time.sleep(0.2), print('worked')), daemon={}).start()\nleave()"
    assert ["worked\n", ""] == [python(work.format(daemon)).stdout for daemon in (False, True)]


@pytest.mark.parametrize(("code", "status", "said"), [("None", 0, ""), ("130", 130, ""), ("'no'", 1, "no\n")])
def test_the_status_of_an_exit_is_kept(code: str, status: int, said: str) -> None:
    """As `sys.exit` has it: nothing means 0, a sentence is printed and means 1."""
    done = python(f"leave_as(SystemExit({code}))")
    assert (status, said) == (done.returncode, done.stderr)


def test_closed_streams_end_no_process_otherwise() -> None:
    """Whoever closed standard output has nothing to write."""
    assert 4 == python("sys.stdout.close()\nleave(4)").returncode
