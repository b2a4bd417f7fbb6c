"""What lies around a run, and what its programs leave behind, must never hurt it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

PLCTL = Path(sys.executable).parent / "plctl"
SCENARIO = "Time[ms],RouteID,Delay[ms],Btldr[Mbps]\n0,0,5,20\n"

PING = '{at: client, name: ping, command: "ping -c 2 -i 0.2 {server}", start: 0s}'

Plctl = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def plctl(tmp_path: Path, state_folder: Path) -> Plctl:
    """Run plctl in a folder with a scenario `a.csv`, as installed, with a state folder of its own."""
    (tmp_path / "a.csv").write_text(SCENARIO)

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        assert state_folder.is_dir()
        return subprocess.run(
            [str(PLCTL), *arguments], cwd=tmp_path, capture_output=True, text=True, timeout=100, check=False
        )

    return run


def run_spec(plctl: Plctl, tmp_path: Path, workloads: str) -> tuple[subprocess.CompletedProcess[str], Path]:
    """A run of one link l with these workloads, however late on this machine; its end and the link's artifacts."""
    link = f"{{name: l, scenario: a.csv, workload: [{workloads}]}}"
    text = f"name: q\nbudget: {{lateness: 1s, skew: 1s, workload: 1s}}\nlinks: [{link}]\n"
    (tmp_path / "s.yaml").write_text(text)
    done = plctl("run", "s.yaml", "--duration", "2s")
    return done, next((tmp_path / "runs").iterdir()) / "artifacts" / "l"


def test_modules_in_the_current_folder_are_not_run(plctl: Plctl, tmp_path: Path) -> None:
    """Neither names of the standard library nor of packages, whichever of a run's processes would import them first."""
    trap = f"open({str(tmp_path / 'ran')!r}, 'a').write(__file__)\nraise SystemExit('not to be run')\n"
    for module in ("queue", "random", "signal", "statistics", "logging", "zmq", "msgpack", "click", "pyarrow", "plctl"):
        (tmp_path / f"{module}.py").write_text(trap)

    done, _ = run_spec(plctl, tmp_path, PING)

    assert not (tmp_path / "ran").exists()
    assert done.returncode == 0, done.stdout + done.stderr


def test_whatever_programs_leave_in_their_folder(plctl: Plctl, tmp_path: Path) -> None:
    """Folders are kept; a socket, a FIFO and a dangling link are named; no output is lost, and the run is ok."""
    (tmp_path / "leave.py").write_text(
        "import os, socket\nos.mkfifo('fifo')\nos.symlink('/nonexistent', 'latest')\nos.makedirs('qlog/a')\n"
        "open('qlog/a/c.qlog', 'w').write('trace')\nsocket.socket(socket.AF_UNIX).bind('ctl')\nprint('done')\n"
    )
    leave = f'{{at: client, name: w, command: "{sys.executable} {tmp_path}/leave.py", start: 0s}}'

    done, artifacts = run_spec(plctl, tmp_path, f"{leave}, {PING}")

    assert done.returncode == 0, done.stdout + done.stderr
    assert (artifacts / "qlog" / "a" / "c.qlog").read_text() == "trace"
    assert (artifacts / "w.stdout").read_text() == "done\n"
    assert " 2 received" in (artifacts / "ping.stdout").read_text()
    assert "3 that are no regular files (ctl, fifo, latest)" in done.stdout


def test_a_user_of_its_own_writes_into_the_folder(plctl: Plctl, tmp_path: Path) -> None:
    """A program that runs as another user leaves files as any other, and may open its own standard output."""
    as_nobody = "{at: client, name: w, user: nobody, command: 'id -un > own.txt && echo said > /dev/stdout', start: 0s}"

    done, artifacts = run_spec(plctl, tmp_path, as_nobody)

    assert done.returncode == 0, done.stdout + done.stderr
    assert (artifacts / "own.txt").read_text() == "nobody\n"
    assert (artifacts / "w.stdout").read_text() == "said\n"


def test_programs_that_name_no_account_run_as_the_agent_says(
    plctl: Plctl, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Root is what a spec says explicitly. Other accounts cannot find where the outputs of other runs lie."""
    monkeypatch.setenv("PLCTL_WORKLOAD_USER", "nobody")
    plain = "{at: client, name: plain, command: 'id -un; ls ../../..', start: 0s}"
    as_root = "{at: client, name: root, user: root, command: 'id -un', start: 0s}"

    _, artifacts = run_spec(plctl, tmp_path, f"{plain}, {as_root}")

    assert (artifacts / "plain.stdout").read_text() == "nobody\n"
    assert "cannot open directory" in (artifacts / "plain.stderr").read_text()
    assert (artifacts / "root.stdout").read_text() == "root\n"


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 8 MB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(disk)], check=True)
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


#: More than fits, all in one write, so that nothing of it can be freed before.
CHATTY = '{at: client, name: chatty, command: "head -c 30000000 /dev/zero > file", start: 0.2s}'


def test_output_larger_than_the_state_folders_disk(
    plctl: Plctl, tmp_path: Path, small_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It lies elsewhere, so nothing is lost."""
    monkeypatch.setenv("PLCTL_STATE_DIR", str(small_disk))

    done, artifacts = run_spec(plctl, tmp_path, f"{CHATTY}, {PING}")

    assert done.returncode == 0, done.stdout + done.stderr
    assert (artifacts / "file").stat().st_size == 30_000_000


def test_a_full_disk_is_named_and_ends_nothing(
    plctl: Plctl, tmp_path: Path, small_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The run ends when it is over, says what happened, and keeps what the neighbour printed before."""
    monkeypatch.setenv("PLCTL_OUTPUT_DIR", str(small_disk))

    done, artifacts = run_spec(plctl, tmp_path, f"{CHATTY}, {PING}")

    assert done.returncode == 1
    assert "no space was left on the disk" in done.stdout
    assert "chatty: exited with status 1" in done.stdout  # what it said of that had no room, either
    assert "bytes from 192.168.66.2" in (artifacts / "ping.stdout").read_text()
    assert list(small_disk.iterdir()) == []


def test_under_sudo_results_belong_to_the_caller(plctl: Plctl, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The folder, the folder of runs that was made for it, and every file in it."""
    monkeypatch.setenv("SUDO_UID", "65534")
    monkeypatch.setenv("SUDO_GID", "65533")

    done, _ = run_spec(plctl, tmp_path, PING)

    assert done.returncode == 0, done.stdout + done.stderr
    written = [tmp_path / "runs", *(tmp_path / "runs").rglob("*")]
    assert len(written) > 10
    assert {(path.lstat().st_uid, path.lstat().st_gid) for path in written} == {(65534, 65533)}
