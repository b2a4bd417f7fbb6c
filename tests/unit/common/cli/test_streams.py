"""What becomes of output never changes what a command does, nor how it ends."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
import termios
from pathlib import Path

import pytest
from support.small_disk import no_file_larger_than

from plctl.common.cli.streams import Background, Forgiving

CODE = (
    "import sys; from plctl.common.cli import streams; streams.forgive()\n"
    "for n in range(20000): print('→ line', n)\n"
    "print('done', file=sys.stderr); sys.stdout.flush()\n"
    "print(streams.is_gone(sys.stdout), streams.loss(), file=sys.stderr)\n"
    "sys.exit(7)"
)


def python(*, stdout: int, encoding: str = "utf-8") -> subprocess.CompletedProcess[str]:
    """Print 20 000 lines to `stdout`."""
    return subprocess.run(
        [sys.executable, "-c", CODE], stdout=stdout, stderr=subprocess.PIPE, text=True, timeout=60, check=False,
        env={**os.environ, "PYTHONIOENCODING": encoding},
    )  # fmt: skip


def test_a_reader_that_leaves() -> None:
    """A closed pipe is noticed, but raises nothing; the status is the command's."""
    read, write = os.pipe()
    os.close(read)
    done = python(stdout=write)
    os.close(write)
    assert (7, "done\nTrue \n") == (done.returncode, done.stderr)


def test_a_full_disk() -> None:
    """What was lost though somebody waits for it is told in the end."""
    with Path("/dev/full").open("wb") as full:
        done = python(stdout=full.fileno())
    assert (7, "done\nFalse not all output could be written: No space left on device\n") == (
        done.returncode,
        done.stderr,
    )


@pytest.mark.parametrize(("goes_on", "left"), [(True, "x" * 16 + "later\n"), (False, "x" * 16)])
def test_a_log_goes_on_after_a_full_disk(goes_on: bool, left: str, tmp_path: Path) -> None:
    """A daemon's; what somebody waits for ends where the first piece was lost, and the command says so."""
    with (tmp_path / "log").open("wb", buffering=0) as file:
        stream = Forgiving(file.fileno(), goes_on=goes_on)
        with no_file_larger_than(16):
            assert 20 == stream.write(b"x" * 20)
        assert stream.lost is not None
        assert 6 == stream.write(b"later\n")
    assert left == (tmp_path / "log").read_text()


def test_a_terminal_without_these_letters() -> None:
    """What an encoding does not have is written out."""
    done = python(stdout=subprocess.PIPE, encoding="ascii")
    assert (7, r"\u2192 line 0") == (done.returncode, done.stdout.splitlines()[0])
    assert "20000" == str(len(done.stdout.splitlines()))


def test_closed_from_the_beginning() -> None:
    """`plctl … >&-` runs as well."""
    done = subprocess.run(
        ["sh", "-c", f'exec "{sys.executable}" -c "$0" >&-', CODE],
        stderr=subprocess.PIPE, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert 7 == done.returncode


def test_a_terminal_that_others_made_non_blocking() -> None:
    """All is written all the same, as soon as there is room."""
    read, write = os.pipe()
    os.set_blocking(write, False)
    fcntl.fcntl(write, fcntl.F_SETPIPE_SZ, 4096)
    reader = subprocess.Popen(["wc", "-c"], stdin=read, stdout=subprocess.PIPE, text=True)
    os.close(read)
    raw = Forgiving(write)
    assert 1_000_000 == raw.write(b"x" * 1_000_000)
    os.close(write)
    assert "1000000\n" == reader.communicate(timeout=30)[0]
    assert raw.lost is None


def test_a_stopped_terminal_holds_up_nobody(tmp_path: Path) -> None:
    """After Ctrl-S pictures are left out, and what waits is written once the terminal goes on."""
    here, there = os.openpty()
    termios.tcflow(there, termios.TCOOFF)
    with os.fdopen(there, "w") as stream:
        screen = Background(stream)
        for _ in range(1000):
            screen.write("picture" * 1000)
        termios.tcflow(there, termios.TCOON)
        with (tmp_path / "shown").open("wb") as shown:
            reader = subprocess.Popen(["cat"], stdin=here, stdout=shown, stderr=subprocess.DEVNULL)
        screen.close()
        assert not stream.closed
    reader.wait()  # until the other end is closed
    os.close(here)
    assert 7000 <= (tmp_path / "shown").stat().st_size <= 270_000


@pytest.mark.parametrize("number", [3, 5])
def test_everything_counts_as_written(number: int) -> None:
    """Also to a descriptor that is none."""
    raw = Forgiving(10_000 + number)
    assert number == raw.write(b"x" * number)
    assert raw.lost is not None
