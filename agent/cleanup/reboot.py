"""Takes away what agents left on disk before the host was started again, and tells by name which links went with them.

A reboot takes processes, namespaces and the ledger in /run; what programs wrote lies in /var/tmp and stays. Each such
folder says in which boot it was made: its agent is gone for certain if that was another one.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from plctl.agent.ownership.output_folder import BOOT_NAME, remove_folder
from plctl.common.base.clock import clock_identity
from plctl.common.base.errors import KernelError

_FOLDER = re.compile(r"plctl-[0-9a-f]{16}")
#: A run's folder in it: the run, and digits that nobody could guess.
_RUN = re.compile(r"(.+)-[0-9a-f]{16}")
_BOOT_ID_BYTES = 64


def reap_after_reboot(base: Path, boot_id: str = "") -> dict[str, tuple[str, ...]]:
    """Remove the output folders in `base` that are of another boot than `boot_id` (by default this one's).

    Nothing is touched that another account could have made or put there.

    :return: the links, by run, of which there was output.
    """
    boot_id = boot_id or clock_identity().boot_id
    lost: dict[str, tuple[str, ...]] = {}
    with suppress(OSError):
        for path in sorted(base.iterdir()):
            if _FOLDER.fullmatch(path.name) and _is_ours(path, stat.S_ISDIR) and _boot_of(path) not in ("", boot_id):
                for run, links in _links(path).items():
                    lost[run] = (*lost.get(run, ()), *links)
                with suppress(KernelError):  # what resists is tried again at the next start
                    remove_folder(path)
    return lost


def _boot_of(folder: Path) -> str:
    """In which boot it was made; empty if it does not say so credibly."""
    path = folder / BOOT_NAME
    if not _is_ours(path, stat.S_ISREG):
        return ""
    with path.open() as file:
        return file.read(_BOOT_ID_BYTES).strip()


def _is_ours(path: Path, is_kind: Callable[[int], bool]) -> bool:
    """Whether it is of this account, of that kind, no link, and nobody else may write to it."""
    try:
        found = path.lstat()
    except OSError:
        return False
    return found.st_uid == os.geteuid() and is_kind(found.st_mode) and not found.st_mode & 0o022


def _links(folder: Path) -> dict[str, tuple[str, ...]]:
    """The folders of links, by run."""
    runs = {path: match[1] for path in folder.iterdir() if (match := _RUN.fullmatch(path.name)) and path.is_dir()}
    return {run: tuple(sorted(link.name for link in path.iterdir() if link.is_dir())) for path, run in runs.items()}
