"""Owners: who lives, who is dead, and that nobody is judged wrongly in between."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from plctl.common.base.errors import BusyError, KernelError, UserError
from plctl.common.host import state
from plctl.common.host.state import Owner


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A state folder of the test's own."""
    monkeypatch.setenv("PLCTL_STATE_DIR", str(tmp_path / "state"))
    return tmp_path / "state"


def in_child(job: Callable[[], None]) -> tuple[int, int]:
    """Run `job` in a child that then waits to be killed; its pid and a pipe that ends with it."""
    ready, report = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            job()
            os.write(report, b"x")
            signal.pause()
        finally:
            os._exit(1)
    os.close(report)
    assert b"x" == os.read(ready, 1), "the child failed"
    return pid, ready


def kill(pid: int, pipe: int) -> None:
    """SIGKILL a child of `in_child` and wait for its end."""
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    os.close(pipe)


def test_the_folder_is_the_variables_or_the_default(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """$PLCTL_STATE_DIR counts if it is set and not empty."""
    assert folder == state.state_dir()
    monkeypatch.setenv("PLCTL_STATE_DIR", "")
    assert Path("/run/plctl") == state.state_dir()


def test_an_owner_is_private_and_lives_until_it_is_closed(folder: Path) -> None:
    """Mode 0700; held while open, dead afterwards; closing twice is allowed."""
    owner = Owner.create("a")
    assert (folder / "a", 0o700) == (owner.path, owner.path.stat().st_mode & 0o777)
    assert state.is_held(owner.path)
    owner.close()
    owner.close()
    assert not state.is_held(folder / "a")


def test_an_owner_lives_while_any_of_its_processes_does(folder: Path) -> None:
    """A second holder keeps it alive after the first let go, and SIGKILL ends that."""
    owner = Owner.create("a")
    pid, pipe = in_child(lambda: setattr(Owner.join(folder / "a"), "kept", 1) or owner.close())
    owner.close()
    assert Owner.seize(folder / "a") is None
    kill(pid, pipe)
    seized = Owner.seize(folder / "a")
    assert seized
    seized.close()


def test_names_are_taken_once(folder: Path) -> None:
    """Also a dead owner's name is taken until it is reaped."""
    Owner.create("a").close()
    with pytest.raises(BusyError, match="a exists already"):
        Owner.create("a")
    assert [folder / "a"] == state.owner_folders()


@pytest.mark.parametrize("name", ["", ".hidden", "a/b"])
def test_names_that_would_leave_the_folder_are_refused(name: str) -> None:
    """A name is one visible folder."""
    with pytest.raises(UserError, match="cannot name an owner"):
        Owner.create(name)


def test_exclusive_holders_exclude_everyone(folder: Path) -> None:
    """While one process is alone, no other may join; afterwards it may."""
    Owner.create("a").close()
    alone = Owner.join(folder / "a", exclusive=True)
    with pytest.raises(BusyError, match="in use by a living process"):
        Owner.join(folder / "a")
    with pytest.raises(BusyError, match="in use by a living process"):
        Owner.join(folder / "a", exclusive=True)
    alone.close()
    Owner.join(folder / "a").close()


def test_joining_nobody_is_refused(folder: Path) -> None:
    """There is nothing to join, and joining does not make it."""
    with pytest.raises(UserError, match="a does not exist"):
        Owner.join(folder / "a")
    assert not (folder / "a").exists()


def test_a_folder_without_a_lock_belongs_to_a_dead_owner(folder: Path) -> None:
    """Its maker was killed between making the folder and making the lock."""
    (folder / "a").mkdir(parents=True)
    seized = Owner.seize(folder / "a")
    assert seized
    seized.remove()
    assert [] == state.owner_folders()


def test_seizing_what_is_gone_makes_nothing(folder: Path) -> None:
    """Another reaper was faster."""
    assert Owner.seize(folder / "a") is None
    assert not (folder / "a").exists()


def test_removal_takes_everything_in_the_folder(folder: Path, tmp_path: Path) -> None:
    """Sub-folders too, but not what a symbolic link points to."""
    owner = Owner.create("a")
    (owner.path / "deep" / "er").mkdir(parents=True)
    (owner.path / "deep" / "er" / "file").touch()
    outside = tmp_path / "outside"
    outside.mkdir()
    (owner.path / "deep" / "link").symlink_to(outside)
    owner.remove()
    assert not (folder / "a").exists()
    assert outside.exists()


def test_the_holder_may_say_who_it_is(folder: Path) -> None:
    """The word outlives the holder, and is replaced by the next one's."""
    with Owner.create("a") as owner:
        assert "" == state.read_holder(owner.path)
        owner.write_holder("a long word")
        owner.write_holder("short")
    assert "short" == state.read_holder(folder / "a")
    assert "" == state.read_holder(folder / "none")


def test_a_state_folder_that_cannot_be_made_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message says which folder, and the kernel's reason."""
    (tmp_path / "file").touch()
    monkeypatch.setenv("PLCTL_STATE_DIR", str(tmp_path / "file"))
    with pytest.raises(KernelError, match=r"cannot use .*/file for plctl's state"):
        Owner.create("a")


@pytest.mark.parametrize(("mode", "owner"), [(0o777, 0), (0o770, 0), (0o755, 65534)])
@pytest.mark.needs_root
def test_a_state_folder_of_others_is_refused(tmp_path: Path, mode: int, owner: int) -> None:
    """By a ledger that another user put there, root would take away what is not plctl's."""
    folder = tmp_path / "state"
    folder.mkdir()
    folder.chmod(mode)
    os.chown(folder, owner, owner)
    with pytest.raises(UserError, match=r"others may write into|belongs to another user"):
        Owner.create("agent")
    assert not [*folder.iterdir()]


@pytest.mark.needs_root
def test_what_another_user_puts_beside_owners_is_none(folder: Path) -> None:
    """In a folder such as /tmp anybody may make one with a ledger in it."""
    folder.mkdir()
    folder.chmod(0o1777)
    (folder / "strange").mkdir()
    (folder / "strange" / state.LOCK_NAME).touch()
    os.chown(folder / "strange", 65534, 65534)
    with Owner.create("own"):
        assert [folder / "own"] == state.owner_folders()
        assert Owner.seize(folder / "strange", patience_s=0) is None
        with pytest.raises(UserError, match="does not exist"):
            Owner.join(folder / "strange")
