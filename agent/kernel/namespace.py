"""Named network namespaces, as `ip netns` sees them, made and entered by threads instead of forked helpers.

On Linux the network namespace belongs to the thread. A thread that unshares or enters one is spoilt for other work, so
each job here runs in a thread of its own that ends with it: some 50 µs, where a fork of the agent costs milliseconds.

A name is a file in /run/netns with the namespace mounted upon it. Whether it is ours can be decided at any moment:
mounted, its inode is the ledger's; not yet mounted, the file has `PLACEHOLDER_MODE`, which no other tool gives it.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import fcntl
import os
import socket
import stat
import threading
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path
from typing import TypeVar

from plctl.agent.ownership.ledger import Entry, Ledger
from plctl.common.base.errors import BusyError, KernelError
from plctl.common.base.threads import start_thread

NETNS_DIR = Path("/run/netns")
PLACEHOLDER_MODE = 0o400  # `ip netns add` and its like make theirs with 0 or 0644

_CLONE_NEWNET, _CLONE_NEWNS = 0x40000000, 0x20000
_SIOCGSKNS = 0x894C  # linux/sockios.h
_MS_BIND, _MS_REC, _MS_SLAVE, _MS_SHARED = 0x1000, 0x4000, 0x80000, 0x100000
_MNT_DETACH, _UMOUNT_NOFOLLOW = 2, 8
_THIS_NAMESPACE = "/proc/thread-self/ns/net"

_libc = ctypes.CDLL(None, use_errno=True)

T = TypeVar("T")


def run_in_thread(job: Callable[[], T]) -> T:
    """The result of `job`, run in a thread that ends with it; its exception is raised here.

    :raises KernelError: the kernel starts no more threads.
    """
    outcome: list[T] = []
    failure: list[BaseException] = []

    def run() -> None:
        try:
            outcome.append(job())
        except BaseException as error:  # whatever it is, it is raised in the caller's thread
            failure.append(error)

    thread = threading.Thread(target=run, name="netns")
    start_thread(thread)
    thread.join()
    if failure:
        raise failure[0]
    return outcome[0]


def run_inside(name: str, job: Callable[[], T]) -> T:
    """The result of `job`, run by a thread inside the namespace `name`.

    :raises KernelError: there is no such namespace, or it cannot be entered.
    """

    def enter_and_do() -> T:
        enter(name)
        return job()

    return run_in_thread(enter_and_do)


def open_socket(netns: str, family: int, type: int, proto: int = 0) -> socket.socket:
    """A socket made inside the namespace `netns`; it stays there, whoever uses it.

    :raises KernelError: no such namespace, or the kernel refuses the socket.
    """

    def make() -> socket.socket:
        try:
            return socket.socket(family, type, proto)
        except OSError as error:
            raise KernelError.from_os(f"open a socket in {netns}", error) from error

    return run_inside(netns, make)


def enter(name: str) -> None:
    """Move the calling thread into the namespace `name`, for good.

    :raises KernelError: as `run_inside`.
    """
    _enter(f"enter the namespace {name}", lambda: os.open(NETNS_DIR / name, os.O_RDONLY | os.O_CLOEXEC))


def enter_that_of(inside: socket.socket) -> None:
    """Move the calling thread, for good, into the namespace that a socket was made in, whatever its name is by now.

    :raises KernelError: the kernel refuses.
    """
    _enter("enter the namespace of a socket", lambda: fcntl.ioctl(inside, _SIOCGSKNS))


def _enter(attempt: str, opened: Callable[[], int]) -> None:
    """Move the calling thread into the namespace that the descriptor from `opened` stands for."""
    try:
        fd = opened()
    except OSError as error:
        raise KernelError.from_os(attempt, error) from error
    try:
        _call(attempt, _libc.setns, fd, _CLONE_NEWNET)
    finally:
        os.close(fd)


def show_network_in_sys() -> None:
    """Give the calling process, which has no other thread, mounts of its own whose /sys shows the network it is in.

    `ip netns exec` does the same: tools that look into /sys/class/net would see the host's interfaces.

    :raises KernelError: the kernel refuses.
    """
    _call("unshare mounts", _libc.unshare, _CLONE_NEWNS)
    _mount("keep mounts private", "none", Path("/"), _MS_REC | _MS_SLAVE)
    if _libc.umount2(b"/sys", _MNT_DETACH) == 0:
        _call("mount /sys", _libc.mount, b"sysfs", b"/sys", b"sysfs", ctypes.c_ulong(0), None)


def lay_over(binds: Iterable[tuple[str, str]]) -> None:
    """Lay the first of each pair of files over the second, for a process that has mounts of its own.

    What cannot be laid, as there is no such file, is passed over.
    """
    for source, target in binds:
        with contextlib.suppress(KernelError):
            _mount(f"lay {source} over {target}", source, Path(target), _MS_BIND)


def create(name: str, ledger: Ledger) -> None:
    """Move the calling thread into a new namespace and give it a name.

    :raises BusyError: the name is taken; whoever has it keeps it.
    :raises KernelError: the kernel refuses.
    """
    _call(f"make the namespace {name}", _libc.unshare, _CLONE_NEWNET)
    path = NETNS_DIR / name
    ledger.record("netns", name, inode=os.stat(_THIS_NAMESPACE).st_ino)  # noqa: PTH116  the link's target is only a name
    try:
        os.close(os.open(path, os.O_RDONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, PLACEHOLDER_MODE))
    except FileExistsError:
        ledger.strike("netns", name)
        raise BusyError(f"the namespace {name} exists already") from None
    except OSError as error:
        ledger.strike("netns", name)
        raise KernelError.from_os(f"make {path}", error) from error
    _mount(f"name the namespace {name}", _THIS_NAMESPACE, path, _MS_BIND)


@cache
def prepare_folder() -> None:
    """Make /run/netns a shared mount of its own, as `ip netns add` does, so that names are seen by all.

    Done once a process: the kernel goes through all that is mounted there, so a thousand links would take long.

    :raises KernelError: the kernel refuses, e.g. without CAP_SYS_ADMIN.
    """
    try:
        NETNS_DIR.mkdir(mode=0o755, parents=True, exist_ok=True)
        folder = os.open(NETNS_DIR, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise KernelError.from_os(f"open {NETNS_DIR}", error) from error
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)  # iproute2 takes the same lock
        share = (f"share {NETNS_DIR}", "", NETNS_DIR, _MS_SHARED | _MS_REC)
        try:
            _mount(*share)
        except KernelError as error:
            if not isinstance(error.__cause__, OSError) or error.__cause__.errno != errno.EINVAL:
                raise
            _mount(f"mount {NETNS_DIR} on itself", str(NETNS_DIR), NETNS_DIR, _MS_BIND | _MS_REC)
            _mount(*share)
    finally:
        os.close(folder)


def remove(entry: Entry, ledger: Ledger) -> bool:
    """Take the name off a namespace that `ledger` holds and strike it; the kernel frees it with its last user.

    :return: whether there was something of ours to remove.
    :raises KernelError: the kernel refuses.
    """
    path = NETNS_DIR / entry.name
    ours = is_ours(entry)
    if ours:
        with contextlib.suppress(FileNotFoundError):
            _unmount(entry.name, path)
            path.unlink()
    ledger.strike("netns", entry.name)
    return ours


def is_ours(entry: Entry) -> bool:
    """Whether the name in `entry` exists and is the one that was recorded, not a stranger's of the same name."""
    try:
        status = (NETNS_DIR / entry.name).lstat()
    except FileNotFoundError:
        return False
    if _is_namespace(entry.name):
        return status.st_ino == entry.facts.get("inode")
    return stat.S_ISREG(status.st_mode) and stat.S_IMODE(status.st_mode) == PLACEHOLDER_MODE and status.st_size == 0


def _is_namespace(name: str) -> bool:
    """Whether a namespace is mounted on the name: it then lies on the kernel's own file system for namespaces."""
    return (NETNS_DIR / name).lstat().st_dev == Path("/proc/self/ns/net").stat().st_dev


def _unmount(name: str, path: Path) -> None:
    while True:  # a name may have been mounted upon twice, by a propagating mount
        try:
            _call(f"unmount the namespace {name}", _libc.umount2, os.fsencode(path), _MNT_DETACH | _UMOUNT_NOFOLLOW)
        except KernelError as error:
            if isinstance(error.__cause__, OSError) and error.__cause__.errno == errno.EINVAL:
                return
            raise


def _mount(attempt: str, source: str, target: Path, flags: int) -> None:
    _call(attempt, _libc.mount, source.encode(), os.fsencode(target), b"none", ctypes.c_ulong(flags), None)


def _call(attempt: str, function: Callable[..., int], *arguments: object) -> None:
    """Call into libc, which lets other threads run meanwhile.

    :raises KernelError: it failed; `__cause__` is the OSError.
    """
    if function(*arguments) != 0:
        error = OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
        raise KernelError.from_os(attempt, error) from error
