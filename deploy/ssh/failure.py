"""What fails between us and a host, and how that is worded."""

from __future__ import annotations

import os
import re

import asyncssh

from plctl.common.base.errors import WorldError
from plctl.deploy.inventory.host import Host


class RemoteError(WorldError):
    """A host could not be reached or did not do what it was asked for; the message has the host's own words."""


class HostBusyError(RemoteError):
    """A run goes on there, so nothing was changed."""


class CutError(RemoteError):
    """The connection broke; what was being done may have been done or not."""


def explain(error: Exception, host: Host, *, with_password: bool, patience_s: float) -> str:
    """Why no connection came about, in a sentence."""
    place = f"{host.address or host.name} port {host.port}" if host.port else host.address or host.name
    if isinstance(error, asyncssh.PermissionDenied):
        cause = "the password is wrong, or none is taken there" if with_password else "no key of ours is let in"
        return f"ssh refuses {host.user or 'the user'}: {cause} ({words(error)})"
    if isinstance(error, TimeoutError):
        return f"does not answer at {place} within {patience_s:g} s"
    return f"cannot be reached at {place}: {words(error)}"


def words(error: Exception) -> str:
    """The error's own words, without Python's around them."""
    if isinstance(error, asyncssh.Error):
        return error.reason
    if isinstance(error, OSError):  # asyncio puts its own words into it, and several into one
        numbers = [error.errno] if error.errno else map(int, re.findall(r"\[Errno (\d+)\]", str(error)))
        if causes := dict.fromkeys(map(os.strerror, numbers)):
            return ", ".join(causes)
    return str(error) or type(error).__name__


def last_line(text: str) -> str:
    """The last line of `text`, empty if there is none."""
    return (text.strip().splitlines() or [""])[-1]
