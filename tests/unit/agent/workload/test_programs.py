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


def test_a_file_is_looked_at_again_once_it_has_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And not before: the package manager takes its time."""
    asked = tmp_path / "asked"
    for name, text in (("tool", "#!/bin/sh\n"), ("dpkg-query", f"#!/bin/sh\necho >> {asked}\n")):
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    first = describe_programs([("tool",)])
    assert first == describe_programs([("tool",), ("tool", "again")])
    assert 1 == len(asked.read_text().splitlines())
    (tmp_path / "tool").write_text("#!/bin/sh\nexit 1\n")
    assert first != describe_programs([("tool",)])
    assert 2 == len(asked.read_text().splitlines())


def test_a_packages_program_is_told_with_its_package() -> None:
    """On Debian, whether or not /bin is /usr/bin."""
    (told,) = describe_programs([("dpkg-query",)]).values()
    assert told.startswith("/usr/bin/dpkg-query, package dpkg 1.")


def test_what_is_no_file_is_left_out() -> None:
    """A shell's own word, a path that depends on the folder, quotes that do not end."""
    assert {} == describe_programs([("sh", "-c", "until test; do x"), ("./tool",), ("sh", "-c", "'")])
