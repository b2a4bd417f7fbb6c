"""Where a standing laboratory is found: its owner's folder, and what its ledger says of the hosts in it.

A laboratory is an owner, `lab-NAME`, that lives as long as its keeper. The folder holds the design once the laboratory
is up, a state folder for each host, and `trouble` if its delays are no longer emulated.
"""

from __future__ import annotations

import contextlib
from pathlib import Path

from plctl.agent.ownership.ledger import read_entries
from plctl.agent.ownership.processes import Process
from plctl.common.base.errors import WorldError
from plctl.common.host.state import LEDGER_NAME, read_holder, state_dir

PREFIX = "lab-"
DESIGN_NAME, HOSTS_NAME, LOG_NAME, TROUBLE_NAME = "design.json", "hosts", "keeper.log", "trouble"


def lab_folder(name: str) -> Path:
    """The folder of the laboratory `name`, whether there is one or not."""
    return state_dir() / f"{PREFIX}{name}"


def state_folder(folder: Path, host: str) -> Path:
    """The state folder of `host`, in which the plctl that runs there keeps its own owners."""
    return folder / host


def ledger_name(host: str) -> str:
    """What the process that keeps `host` alive is called in the ledger."""
    return f"host {host}"


def find_holder(folder: Path, host: str) -> Process:
    """The process that keeps `host` alive, or did.

    :raises WorldError: there is none.
    """
    for entry in read_entries(folder / LEDGER_NAME):
        if (entry.kind, entry.name) == ("process", ledger_name(host)):
            return Process(**entry.facts)
    raise WorldError(f"host {host} of {folder.name} is not up")


def find_keeper(folder: Path) -> Process | None:
    """The process that keeps the laboratory, or did; None if that is not known."""
    with contextlib.suppress(ValueError, TypeError):
        return Process(*map(int, read_holder(folder).split()))
    return None
