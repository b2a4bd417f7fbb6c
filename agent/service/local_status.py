"""Says on its own host how an agent is: in a file that any root process there can read, and to systemd.

Whoever wants to end an agent, `plctl deploy` above all, looks here first whether a run is going on.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from plctl.common import __version__
from plctl.common.base.errors import ProtocolError
from plctl.common.base.private_file import write_private
from plctl.common.host.sd_notify import notify
from plctl.common.host.state import is_held, owner_folders
from plctl.common.protocol.wire import from_plain

_FILE = "status.json"


@dataclass(frozen=True, slots=True)
class LocalStatus:
    """How an agent is."""

    name: str
    pid: int
    version: str  #: of plctl
    serving: bool  #: its controller has welcomed it
    runs: tuple[str, ...]  #: that it has not released


class StatusFile:
    """What one agent lets its host know."""

    def __init__(self, folder: Path, name: str) -> None:
        """`folder` is the agent's as an owner and goes with it."""
        self._path = folder / _FILE
        self._name = name

    def update(self, *, serving: bool, runs: Iterable[str]) -> None:
        """Things are so now. Systemd counts the agent as started once it serves.

        :raises KernelError: the file cannot be written.
        """
        status = LocalStatus(self._name, os.getpid(), __version__, serving, tuple(runs))
        write_private(self._path, json.dumps(asdict(status)) + "\n")
        if serving:
            notify(f"READY=1\nSTATUS=serving; runs: {', '.join(status.runs) or 'none'}")
        else:
            notify("STATUS=waiting for the controller's welcome")


def read_statuses() -> list[LocalStatus]:
    """How each living agent of this host is."""
    found = []
    for folder in owner_folders():
        with contextlib.suppress(FileNotFoundError, ValueError, ProtocolError):  # no agent, or one that is just leaving
            status = from_plain(LocalStatus, json.loads((folder / _FILE).read_text()), _FILE)
            if is_held(folder):
                found.append(status)
    return found
