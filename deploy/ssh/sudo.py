"""Becoming root on a host by sudo: whether it wants a password, whether it takes ours, and what it says if not."""

from __future__ import annotations

import re
import shlex
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from plctl.deploy.ssh.done import CommandResult
from plctl.deploy.ssh.failure import RemoteError

#: Never by the credentials that sudo remembers: it would leave a password unread, in front of what is sent after it.
_QUIET = ("sudo", "-k", "-n", "--")
_ASKED = ("sudo", "-k", "-S", "-p", "", "--")
#: What sudo (or sudo-rs) says of a password, in the C locale.
_WRONG = re.compile(r"incorrect (password|authentication)|try again", re.IGNORECASE)
_WANTED = re.compile(r"(password|authentication|terminal) is required|askpass", re.IGNORECASE)
_ABSENT = 127  #: exit status of a shell, and of env, where there is no such command


class SudoError(RemoteError):
    """The user does not become root there; the message says whether it is for the password."""


@dataclass(frozen=True, slots=True)
class Way:
    """How a command runs as root."""

    before: tuple[str, ...] = ()  #: words to put before it
    head: bytes = field(default=b"", repr=False)  #: what its standard input must begin with

    def command(self, words: Sequence[str]) -> str:
        """`words` for a shell."""
        return shlex.join([*self.before, *words])


async def find_way(
    run: Callable[[str, bytes], Awaitable[CommandResult]], harmless: Sequence[str], user: str, password: str | None
) -> Way:
    """How `user` becomes root: without a password if sudo wants none, else by `password`, which is tried once.

    :param run: runs a command there, with standard input.
    :param harmless: a command of the kind that is to run as root, which does nothing.
    :raises SudoError: not at all.
    """
    ways = [Way(_QUIET)]
    if password is not None:
        ways.append(Way(_ASKED, f"{password}\n".encode()))
    for way in ways:
        done = await run(f"env LC_ALL=C {way.command(harmless)}", way.head)
        if done.exit_status == 0:
            return way
    raise SudoError(_refusal(user, done, is_given=password is not None))


def _refusal(user: str, done: CommandResult, *, is_given: bool) -> str:
    """Why it is no way to root, in a sentence."""
    lines = done.stderr.strip().splitlines() or [f"sudo ended with status {done.exit_status}"]
    said = next((line for line in lines if "sudoers" in line), lines[-1])
    if done.exit_status == _ABSENT:
        return f"{user} is not root there, and there is no sudo ({said})"
    if is_given and _WRONG.search(done.stderr):
        return f"sudo refuses {user}: the password for sudo is wrong ({said})"
    if not is_given and _WANTED.search(done.stderr):
        return f"sudo asks {user} for a password: say --ask-sudo-password or --sudo-password-file ({said})"
    return f"sudo refuses {user}: {said}"
