"""Where plctl keeps what must survive its own death: one locked folder per owner of kernel objects.

An *owner* is whoever makes namespaces, processes and files: an agent, a run, a hand-made link. Its folder
`<state>/<name>/` holds a `lock`, under flock(2) for as long as the owner lives, and the ledger of what it made. The
kernel drops the lock when the last process that holds it ends, however it ends, so "is it alive?" is one system call
and needs no pid. Processes that the ledger names must not hold the lock: they would make a dead owner look alive.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import stat
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType

from plctl.common.base.errors import BusyError, KernelError, UserError
from plctl.common.base.private_file import own_accounts

DEFAULT_STATE_DIR = Path("/run/plctl")
#: On disk by the Filesystem Hierarchy Standard, and writable for everybody.
DEFAULT_OUTPUT_DIR = Path("/var/tmp")
LOCK_NAME = "lock"
LEDGER_NAME = "ledger.jsonl"
#: How long a child may hold what it has inherited: mostly well below a millisecond, but the machine may be busy.
FORK_TO_EXEC_S = 0.2


def state_dir() -> Path:
    """The absolute path of `$PLCTL_STATE_DIR`, or of /run/plctl; it need not exist yet."""
    return Path(os.environ.get("PLCTL_STATE_DIR") or DEFAULT_STATE_DIR).absolute()


def output_dir() -> Path:
    """Where what programs write lies until the controller has it: `$PLCTL_OUTPUT_DIR`, or /var/tmp."""
    return Path(os.environ.get("PLCTL_OUTPUT_DIR") or DEFAULT_OUTPUT_DIR).absolute()


def owner_folders() -> list[Path]:
    """The folders of all owners, dead or alive, by name; what another user of the host has put beside them is none."""
    with contextlib.suppress(FileNotFoundError):
        return sorted(p for p in state_dir().iterdir() if not p.name.startswith(".") and _is_own_folder(p))
    return []


class Owner:
    """A hold on an owner's folder; the owner lives until the last hold is closed or its process ends."""

    def __init__(self, path: Path, lock: int) -> None:
        """Take over `lock`, an open file descriptor that already holds the flock of `path`."""
        self.path = path
        self._lock = lock

    @classmethod
    def create(cls, name: str) -> Owner:
        """Make the folder of a new owner (mode 0700) and hold it.

        :raises UserError: `name` cannot be the name of a folder.
        :raises BusyError: an owner of this name exists; `plctl.agent.cleanup.reap` removes a dead one first.
        :raises KernelError: the state folder cannot be written.
        """
        if not name or name.startswith(".") or "/" in name:
            raise UserError(f"{name!r} cannot name an owner: it must not be empty, start with a dot or hold a slash")
        path = state_dir() / name
        with _registry():
            try:
                path.mkdir(mode=0o700)
                return cls(path, _take(path, fcntl.LOCK_SH, create=True))
            except FileExistsError:
                raise BusyError(f"{name} exists already in {path.parent}; `plctl clean` removes the dead") from None
            except OSError as error:
                raise KernelError.from_os(f"make the state folder {path}", error) from error

    @classmethod
    def join(cls, path: Path, *, exclusive: bool = False) -> Owner:
        """Hold the folder of an existing owner, beside its other holders, or with `exclusive` as the only one.

        :raises UserError: there is no such owner.
        :raises BusyError: another process holds it in a way that excludes this one.
        """
        try:
            with _registry():
                return cls(path, _take(path, fcntl.LOCK_EX if exclusive else fcntl.LOCK_SH))
        except FileNotFoundError:
            raise UserError(f"{path.name} does not exist in {path.parent}") from None
        except BlockingIOError:
            raise BusyError(f"{path.name} is in use by a living process") from None

    @classmethod
    def seize(cls, path: Path, patience_s: float = FORK_TO_EXEC_S) -> Owner | None:
        """Hold a dead owner alone, to take it apart; None while it lives or where it is gone.

        A folder whose maker was killed before it made the lock is dead too. A child that a killed owner had forked
        holds the lock until it executes its program, so a held lock is tried again for `patience_s`.
        """
        deadline = time.monotonic() + patience_s
        while True:
            try:
                with _registry():
                    return cls(path, _take(path, fcntl.LOCK_EX, create=path.is_dir()))
            except FileNotFoundError:
                return None
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    return None
            time.sleep(FORK_TO_EXEC_S / 50)  # flock(2) knows no time limit

    @property
    def name(self) -> str:
        """What the owner is called: the name of its folder."""
        return self.path.name

    @property
    def ledger_path(self) -> Path:
        """Where the owner's ledger lies."""
        return self.path / LEDGER_NAME

    def write_holder(self, text: str) -> None:
        """Leave a word for others in the lock file about who holds it (see `read_holder`)."""
        os.ftruncate(self._lock, 0)
        os.pwrite(self._lock, text.encode(), 0)

    def remove(self) -> None:
        """Remove the folder with all that is in it, the lock last, and let go. For the only holder.

        :raises KernelError: something in the folder resists, e.g. because it is a mount point.
        """
        try:
            for path in sorted(self.path.rglob("*"), reverse=True):
                if path != self.path / LOCK_NAME:
                    path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()
            with _registry():
                (self.path / LOCK_NAME).unlink()
                self.path.rmdir()
        except OSError as error:
            raise KernelError.from_os(f"remove the state folder {self.path}", error) from error
        finally:
            self.close()

    def close(self) -> None:
        """Let go; may be called twice."""
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    def __enter__(self) -> Owner:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def is_held(path: Path) -> bool:
    """Whether a living process holds the owner at `path`."""
    try:
        with _registry():  # nobody who joins meets the probe
            os.close(_take(path, fcntl.LOCK_EX))
    except BlockingIOError:
        return True
    except FileNotFoundError:
        pass
    return False


def read_holder(path: Path) -> str:
    """What the last holder wrote with `Owner.write_holder`; empty if nothing."""
    with contextlib.suppress(FileNotFoundError):
        return (path / LOCK_NAME).read_text()
    return ""


def _take(path: Path, how: int, *, create: bool = False) -> int:
    """An open, locked descriptor of the lock in `path`. OSErrors pass."""
    if not _is_own_folder(path):
        raise FileNotFoundError(path)
    flags = os.O_RDWR | os.O_CLOEXEC | (os.O_CREAT if create else 0)
    lock = os.open(path / LOCK_NAME, flags, 0o600)
    try:
        fcntl.flock(lock, how | fcntl.LOCK_NB)
    except OSError:
        os.close(lock)
        raise
    return lock


def _is_own_folder(path: Path) -> bool:
    with contextlib.suppress(FileNotFoundError):
        facts = path.lstat()
        return stat.S_ISDIR(facts.st_mode) and facts.st_uid in own_accounts()
    return False


def _require_safe(folder: Path, facts: os.stat_result) -> None:
    """Refuse a folder in which another user could put ledgers, by which root would take away what is not plctl's."""
    if facts.st_uid not in own_accounts():
        raise UserError(f"{folder} belongs to another user; plctl keeps its state only in a folder of one's own")
    if facts.st_mode & 0o022 and not facts.st_mode & stat.S_ISVTX:  # with it, what is another's is at least not ours
        raise UserError(f"others may write into {folder}, where plctl keeps its state; try: chmod go-w {folder}")


@contextlib.contextmanager
def _registry() -> Iterator[None]:
    """Keep folders from being judged dead between their making and their locking. Held for microseconds."""
    folder = state_dir()
    try:
        folder.mkdir(mode=0o755, parents=True, exist_ok=True)
        _require_safe(folder, folder.stat())
        lock = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise KernelError.from_os(f"use {folder} for plctl's state", error) from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)
