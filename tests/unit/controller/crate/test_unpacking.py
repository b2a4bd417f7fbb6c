"""A bundle from anybody: it is unpacked below its folder, or refused in a sentence."""

from __future__ import annotations

import stat
import zipfile
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plctl.common.base.errors import UserError
from plctl.controller.crate.bundle import METADATA_NAME
from plctl.controller.crate.unpacking import is_bundle, unpack, unpacked


def made(path: Path, *names: str, mode: int = stat.S_IFREG | 0o644) -> Path:
    """A bundle with files of these names."""
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(METADATA_NAME, "{}")
        for name in names:
            info = zipfile.ZipInfo(name)
            info.external_attr = mode << 16
            archive.writestr(info, "text")
    return path


def test_what_is_in_it_is_there_and_gone_afterwards(tmp_path: Path) -> None:
    """Folders too."""
    with unpacked(made(tmp_path / "a.zip", "run.json", "sources/a.csv")) as folder:
        assert "text" == (folder / "sources" / "a.csv").read_text()
    assert not folder.exists()


@pytest.mark.parametrize("name", ["../evil", "a/../../evil", "/etc/evil", "a\\..\\evil"])
def test_nothing_is_written_outside(name: str, tmp_path: Path) -> None:
    """Not even what stands before the name."""
    (tmp_path / "in").mkdir()
    with pytest.raises(UserError, match="would write outside its folder"):
        unpack(made(tmp_path / "a.zip", "run.json", name), tmp_path / "in")
    assert [] == list((tmp_path / "in").iterdir())


def test_links_are_refused(tmp_path: Path) -> None:
    """A symbolic link leads anywhere."""
    with pytest.raises(UserError, match="holds something that is no file"):
        unpack(made(tmp_path / "a.zip", "run.json", mode=stat.S_IFLNK | 0o777), tmp_path)


def test_no_bundle(tmp_path: Path) -> None:
    """A zip of something else, and a file that is none."""
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x", "y")
    with pytest.raises(UserError, match=f"it has no {METADATA_NAME}"):
        unpack(path, tmp_path)
    path.write_text("no zip")
    assert not is_bundle(path)


def test_a_bundle_larger_than_the_disk(tmp_path: Path) -> None:
    """By what it says itself, before anything is written."""
    path = made(tmp_path / "a.zip", "run.json")
    with zipfile.ZipFile(path, "a") as archive:
        archive.getinfo("run.json").file_size = 1 << 60  # the directory at its end is written from this
        archive.writestr("more", "x")
    with pytest.raises(UserError, match="would take"):
        unpack(path, tmp_path)
    assert ["a.zip"] == [each.name for each in tmp_path.iterdir()]


@given(flips=st.lists(st.tuples(st.integers(0, 10_000), st.integers(1, 255)), min_size=1, max_size=8))
def test_damage_is_a_sentence(flips: list[tuple[int, int]], tmp_path_factory: pytest.TempPathFactory) -> None:
    """Whatever bytes change: it unpacks below its folder, or is refused."""
    place = tmp_path_factory.mktemp("z")
    path = made(place / "a.zip", "run.json", "sources/a.csv")
    data = bytearray(path.read_bytes())
    for at, value in flips:
        data[at % len(data)] ^= value
    path.write_bytes(data)
    (place / "in").mkdir()
    with suppress(UserError):
        unpack(path, place / "in")
    assert {"a.zip", "in"} == {each.name for each in place.iterdir()}
