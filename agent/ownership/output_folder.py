"""Where what programs write lies until the controller has it: on disk, as the state folder is memory on most machines.

The folder is in the ledger before it is made, under a name that nobody else can have thought of.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
from pathlib import Path

from plctl.agent.ownership.ledger import Ledger
from plctl.common.base.clock import clock_identity
from plctl.common.base.errors import KernelError

#: Says in which boot of the host the folder was made: it outlives one, the ledger does not.
BOOT_NAME = ".boot"
#: Others may pass through to what is theirs, but see nothing.
_MODE = 0o711


class OutputFolder:
    """The folder of one agent; a run has a folder in it."""

    def __init__(self, ledger: Ledger, wanted: Path) -> None:
        """Make it in the folder `wanted`, or where that cannot be written and nobody asked for it, beside the ledger.

        :raises KernelError: there is no place for it.
        """
        self._ledger = ledger
        name = f"plctl-{secrets.token_hex(8)}"
        try:
            self.path = self._make(wanted / name)
        except OSError as error:
            if os.environ.get("PLCTL_OUTPUT_DIR"):
                raise KernelError.from_os(f"make a folder for output in {wanted} ($PLCTL_OUTPUT_DIR)", error) from error
            self.path = ledger.path.parent / name
            try:
                self.path.mkdir(_MODE)
            except OSError as again:
                raise KernelError.from_os(f"make the folder {self.path} for output", again) from again
        with contextlib.suppress(OSError):  # a full disk: then a reboot leaves an empty folder behind
            (self.path / BOOT_NAME).write_text(clock_identity().boot_id)
            (self.path / BOOT_NAME).chmod(0o600)

    def remove(self) -> None:
        """Delete it with all that is in it.

        :raises KernelError: something in it resists; it stays in the ledger.
        """
        remove_folder(self.path)
        self._ledger.strike("folder", str(self.path))

    def _make(self, path: Path) -> Path:
        self._ledger.record("folder", str(path))
        try:
            path.mkdir(_MODE)
            path.chmod(_MODE)
        except OSError:
            self._ledger.strike("folder", str(path))
            raise
        return path


def remove_folder(path: Path) -> bool:
    """Delete the folder `path` with all that is in it, following no link; whether there was one.

    :raises KernelError: something in it resists.
    """
    try:
        shutil.rmtree(path)
    except FileNotFoundError:
        return False
    except OSError as error:
        raise KernelError.from_os(f"remove the folder {path}", error) from error
    return True
