"""Remembers which hosts of an inventory failed last, for `--limit failed`."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterable
from pathlib import Path

from plctl.common.base.errors import UserError
from plctl.common.base.private_file import write_private
from plctl.deploy.hosts.result import HostResult, Outcome


def failed_hosts(inventory: Path) -> list[str]:
    """Names of the hosts of `inventory` that failed when they were deployed to last.

    :raises UserError: nothing is known, or none failed.
    """
    if names := _read().get(str(inventory.resolve())):
        return names
    raise UserError(f"no host of {inventory} failed last time")


def remember(inventory: Path, results: Iterable[HostResult]) -> None:
    """Note which hosts failed now; of hosts that were left out the old word stays.

    :raises KernelError: the file cannot be written.
    """
    everything = _read()
    key = str(inventory.resolve())
    outcomes = {result.host: result.outcome for result in results}
    before = [name for name in everything.get(key, []) if name not in outcomes]
    everything[key] = before + [name for name, outcome in outcomes.items() if outcome is Outcome.FAILED]
    write_private(_path(), json.dumps(everything, indent=1) + "\n")


def _read() -> dict[str, list[str]]:
    with contextlib.suppress(OSError, ValueError):
        found = json.loads(_path().read_text())
        if isinstance(found, dict) and all(isinstance(names, list) for names in found.values()):
            return found
    return {}


def _path() -> Path:
    return Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local/state") / "plctl/deploy.json"
