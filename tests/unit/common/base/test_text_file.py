"""What is not a text file of sane length is refused in one sentence, quickly and in little memory."""

import os
import time
import tracemalloc
from pathlib import Path

import pytest

from plctl.common.base.errors import InputError
from plctl.common.base.text_file import SIZE_LIMIT, read_text


def refusal(path: Path) -> str:
    with pytest.raises(InputError) as caught:
        read_text(path, "a scenario")
    return str(caught.value)


def test_reads_utf8_without_its_byte_order_mark(tmp_path: Path) -> None:
    """A spreadsheet's byte-order mark is no part of the text."""
    path = tmp_path / "a.csv"
    path.write_bytes(b"\xef\xbb\xbfh\xc3\xa9\r\n")
    assert "hé\r\n" == read_text(path, "a scenario")


def test_says_that_a_file_is_missing(tmp_path: Path) -> None:
    """A missing file is named together with the kernel's word."""
    path = tmp_path / "none.csv"
    assert f"{path}: cannot be read: No such file or directory" == refusal(path)


def test_says_that_a_directory_is_one(tmp_path: Path) -> None:
    """A directory gets its own sentence."""
    assert f"{tmp_path}: is a directory; a scenario is a file" == refusal(tmp_path)


def test_says_that_a_file_is_unreadable() -> None:
    """A file that opens but fails to read is reported, even to root."""
    assert "/proc/self/mem: cannot be read: Input/output error" == refusal(Path("/proc/self/mem"))


def test_says_that_a_name_is_illegal() -> None:
    """A NUL in the name is the user's mistake, not a traceback."""
    assert "null" in refusal(Path("a\0b")).lower()


def test_refuses_a_pipe_without_waiting_for_a_writer(tmp_path: Path) -> None:
    """A named pipe that nobody writes to does not hang the command."""
    path = tmp_path / "pipe"
    os.mkfifo(path)
    assert f"{path}: is not a regular file; save a scenario to a file first" == refusal(path)


def test_refuses_a_device() -> None:
    """An endless device is not read."""
    assert "/dev/zero: is not a regular file; save a scenario to a file first" == refusal(Path("/dev/zero"))


def test_refuses_a_gigabyte_of_zeros_at_once(tmp_path: Path) -> None:
    """1 GB of zeros is refused within half a second and a few MiB of memory."""
    path = tmp_path / "zeros.csv"
    with path.open("wb") as file:
        file.truncate(10**9)
    tracemalloc.start()
    begin = time.monotonic()
    text = refusal(path)
    took, (_, peak) = time.monotonic() - begin, tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert f"{path}: is not text (byte 1 is NUL); a scenario is UTF-8 text" == text
    assert took < 0.5
    assert peak < 4 * 2**20


def test_finds_a_nul_byte_far_into_the_file(tmp_path: Path) -> None:
    """The place of the first NUL byte is exact, beyond the first piece too."""
    path = tmp_path / "a.csv"
    path.write_bytes(b"x" * 1_000_000 + b"\0")
    assert "byte 1000001 is NUL" in refusal(path)


def test_refuses_what_is_longer_than_the_limit(tmp_path: Path) -> None:
    """Text beyond the limit is refused and the limit stated."""
    path = tmp_path / "long.csv"
    path.write_bytes(b"1234567\n" * (SIZE_LIMIT // 8 + 1))
    assert f"{path}: is too long: at most 67.109 MB are read as a scenario" == refusal(path)


def test_locates_a_byte_that_is_not_utf8(tmp_path: Path) -> None:
    """A Latin-1 file is refused with the place of its first illegal byte."""
    path = tmp_path / "latin.csv"
    path.write_bytes(b"ab\ncd\xe9\n")
    assert f"{path}:2:3: is not UTF-8 text: byte 0xe9 is illegal here; save the file as UTF-8" == refusal(path)


def test_names_utf16(tmp_path: Path) -> None:
    """What Windows calls "Unicode text" is told what to be saved as."""
    path = tmp_path / "wide.csv"
    path.write_text("Time", "utf-16")
    assert f"{path}: is UTF-16 text; save it as UTF-8" == refusal(path)
