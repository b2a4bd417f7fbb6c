"""Become another program inside a namespace, so that terminal, signals and exit status are its own."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NoReturn

from plctl.agent.kernel import namespace
from plctl.common.base.errors import WorldError


class CommandNotFoundError(WorldError):
    """There is no such program; ends a command with 127, as in a shell."""

    exit_status = 127


class CommandNotExecutableError(WorldError):
    """The program exists and cannot be run; ends a command with 126, as in a shell."""

    exit_status = 126


def become(command: Sequence[str], netns: str, binds: Iterable[tuple[str, str]]) -> NoReturn:
    """Replace this process by `command` inside the namespace `netns`, whose interfaces /sys then shows.

    `binds` says what is laid over what in /etc. For the main thread of a process that has no other. Raises what
    `execute` does.

    :raises KernelError: the namespace cannot be entered.
    """
    namespace.enter(netns)
    namespace.show_network_in_sys()
    namespace.lay_over(binds)
    execute(command)


def execute(command: Sequence[str]) -> NoReturn:
    """Replace this process by `command`. The folder of plctl itself comes first in PATH.

    :raises CommandNotFoundError: there is no such program.
    :raises CommandNotExecutableError: it cannot be run.
    """
    own = str(Path(sys.executable).parent)
    environment = {**os.environ, "PATH": f"{own}{os.pathsep}{os.environ.get('PATH', os.defpath)}"}
    for number in (signal.SIGPIPE, signal.SIGXFSZ):  # Python ignores them, and its heirs would go on to
        signal.signal(number, signal.SIG_DFL)
    sys.stdout.flush()
    sys.stderr.flush()
    try:
        os.execvpe(command[0], list(command), environment)
    except FileNotFoundError:
        raise CommandNotFoundError(f"{command[0]}: command not found") from None
    except OSError as error:
        raise CommandNotExecutableError(f"cannot run {command[0]}: {os.strerror(error.errno or 0)}") from None
