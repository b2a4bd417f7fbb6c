"""Run a command inside a host of a laboratory, so that terminal, signals and exit status are its own.

`python -P -m plctl.agent.lab.enter FOLDER HOST COMMAND…` enters the namespaces of the host's holder. That of processes
is only for children, so the command is one, and this process stands for it: it passes signals on and ends as it ends.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from plctl.agent.kernel.exec_inside import execute
from plctl.agent.lab.folder import find_holder, state_folder
from plctl.agent.ownership import processes
from plctl.common.base.errors import KernelError, PlctlError, WorldError
from plctl.common.cli.terminal import echo_marked

_CLONE_NEWTIME, _CLONE_NEWNS, _CLONE_NEWUTS = 0x80, 0x20000, 0x4000000
_CLONE_NEWPID, _CLONE_NEWNET = 0x20000000, 0x40000000
_PR_SET_PDEATHSIG = 1
_SI_KERNEL = 0x80  # such a signal came from the terminal, which sends it to the command too
_FORWARDED = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2}

_libc = ctypes.CDLL(None, use_errno=True)


def become(folder: Path, host: str, command: Sequence[str]) -> NoReturn:
    """Stand for `command` inside `host` of the laboratory in `folder`. For the main thread of a process with no other.

    The command is killed with this process. The working folder stays; plctl's own folder comes first in PATH.

    :raises WorldError: the host is not up; `CommandNotFoundError` and its like are raised in the child.
    :raises KernelError: its namespaces cannot be entered.
    """
    this = os.pidfd_open(os.getpid())
    _enter(folder, host)
    os.environ["PLCTL_STATE_DIR"] = str(state_folder(folder, host))
    old_mask = signal.pthread_sigmask(signal.SIG_BLOCK, {*_FORWARDED, signal.SIGCHLD})
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        signal.pthread_sigmask(signal.SIG_SETMASK, old_mask)
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        _die_with(this)
        execute(command)
    _end_as(_stand_for(child))


def _enter(folder: Path, host: str) -> None:
    """Move this process into the host, its children into the host's process numbers."""
    working = Path.cwd()
    holder = processes.hold(find_holder(folder, host))
    if holder is None:
        raise WorldError(f"host {host} of {folder.name} has died; only taking the whole lab down helps: plctl lab down")
    flags = _CLONE_NEWTIME | _CLONE_NEWNS | _CLONE_NEWUTS | _CLONE_NEWPID | _CLONE_NEWNET
    try:
        if _libc.setns(holder, flags) != 0:
            number = ctypes.get_errno()
            raise KernelError.from_os(f"enter host {host}", OSError(number, os.strerror(number)))
    finally:
        os.close(holder)
    with contextlib.suppress(OSError):  # mounted since then, and not seen there
        os.chdir(working)


def _die_with(parent: int) -> None:
    """Be killed when the process that the pidfd `parent` means is gone; in the host its number means nothing."""
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if not processes.await_exits({parent}, 0):
        os._exit(1)
    os.close(parent)


def _stand_for(child: int) -> int:
    """Pass signals on to `child` until it ends; its wait status. A stop or a continuation is the terminal's affair."""
    while True:
        info = signal.sigwaitinfo({*_FORWARDED, signal.SIGCHLD})
        if info.si_signo != signal.SIGCHLD:
            if info.si_code != _SI_KERNEL:
                os.kill(child, info.si_signo)
            continue
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return status


def _end_as(status: int) -> NoReturn:
    """End this process as the one of whose end `status` tells: by the same exit status or signal."""
    code = os.waitstatus_to_exitcode(status)
    if code < 0:
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # the command has left its core already
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _FORWARDED)
        if -code != signal.SIGKILL:
            signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    os._exit(code)


def main() -> NoReturn:
    """Carry out the order in argv."""
    folder, host, *command = sys.argv[1:]
    try:
        become(Path(folder), host, command)
    except PlctlError as error:
        echo_marked("error:", "red", str(error), err=True)
        os._exit(error.exit_status)


if __name__ == "__main__":
    main()
