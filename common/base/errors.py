"""Every error that plctl raises on purpose, so that whose fault it is can be read off the class.

`UserError` and its children are the caller's to mend and end a command with status 2. `WorldError` and its children
are what the machine, the kernel or a peer did to us and end it with status 1. Anything else is our bug and keeps its
traceback. A message says what, where, and what to do; it names the attempt, never only the errno.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass


class PlctlError(Exception):
    """Base of all deliberate errors; `exit_status` is what a command ends with."""

    exit_status = 1


class UserError(PlctlError):
    """The input or the request is wrong; the user mends it. Nothing was touched."""

    exit_status = 2


class PrivilegeError(UserError):
    """The command needs root (or the three capabilities it names) and does not have it."""


class WorldError(PlctlError):
    """The machine, the kernel or another process refused or failed; the request itself was legal."""


class KernelError(WorldError):
    """A system call or netlink request failed; the message names the attempt and ends with the kernel's word."""

    @classmethod
    def from_os(cls, attempt: str, error: OSError) -> KernelError:
        """Word `error` as "cannot <attempt>: <strerror>"."""
        return cls(f"cannot {attempt}: {os.strerror(error.errno) if error.errno else error}")


class ProtocolError(WorldError):
    """A peer sent something that the protocol does not allow; the message is refused and counted."""


class VersionError(ProtocolError):
    """A peer speaks another version of the protocol; the message names both."""


class ForbiddenError(ProtocolError):
    """A peer sent a type of message that is unknown or not for its role to send."""


class BusyError(UserError):
    """What was asked for exists already or is in use by a living process."""


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One thing wrong with one place of a file. `line` and `column` count from 1; 0 means the file as a whole."""

    file: str
    line: int
    column: int
    text: str

    def __str__(self) -> str:
        place = self.file + (f":{self.line}" if self.line else "") + (f":{self.column}" if self.column else "")
        return f"{place}: {self.text}"


class InputError(UserError):
    """A file of the user's cannot be used; carries its problems in the file's order.

    `more` counts problems beyond `problems` that were found but not kept.
    """

    def __init__(self, problems: Iterable[Problem], more: int = 0) -> None:
        self.problems = tuple(sorted(problems))
        self.more = more
        super().__init__("\n".join([*map(str, self.problems), *([f"… and {more} more"] if more else [])]))
