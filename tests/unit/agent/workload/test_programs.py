"""What a run's commands start is told by its path and content, and is not run for it."""

from __future__ import annotations

import hashlib
import stat
from pathlib import Path

import pytest

from plctl.agent.workload.programs import describe_programs


def test_programs_are_told_by_path_and_content(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each once, also out of a line for the shell; none of them is run."""
    program = tmp_path / "tool"
    program.write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    told = f"{program}, SHA-256 {hashlib.sha256(program.read_bytes()).hexdigest()}"
    commands = [("tool", "-s"), ("sh", "-c", "A=1 B='x y' tool -c | wc"), (str(program),)]
    assert {"tool": told} == describe_programs(commands)
    assert not (tmp_path / "ran").exists()


def test_a_packages_program_is_told_with_its_package() -> None:
    """On Debian, whether or not /bin is /usr/bin."""
    (told,) = describe_programs([("dpkg-query",)]).values()
    assert told.startswith("/usr/bin/dpkg-query, package dpkg 1.")


def test_what_is_no_file_is_left_out() -> None:
    """A shell's own word, a path that depends on the folder, quotes that do not end."""
    assert {} == describe_programs([("sh", "-c", "until test; do x"), ("./tool",), ("sh", "-c", "'")])
