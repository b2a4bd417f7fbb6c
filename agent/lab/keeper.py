"""The process that a laboratory lives by: it builds it, holds its owner's lock and emulates its delays.

`python -P -m plctl.agent.lab.keeper` reads the design from its standard input, detaches from its parent, and prints
one JSON document once the laboratory is up, or is known not to be: ``{"error": "", "status": 0}``.

It never tidies up. Ended by any signal at any moment, it leaves a dead owner, whose processes end with it or soon
after, and whose ledger names all that it made: `plctl.agent.cleanup.reap` is the only way in which a laboratory is
taken down.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import select
import sys
import time
from pathlib import Path

from plctl.agent.forwarder.data_plane import DataPlane, start_data_plane
from plctl.agent.lab.design import LabDesign
from plctl.agent.lab.folder import DESIGN_NAME, HOSTS_NAME, LOG_NAME, TROUBLE_NAME, lab_folder
from plctl.agent.lab.hosts import start_hosts
from plctl.agent.lab.wiring import wire
from plctl.agent.ownership import processes
from plctl.agent.ownership.ledger import Ledger
from plctl.common.base.errors import PlctlError
from plctl.common.base.units import NS_PER_MS
from plctl.common.host.state import Owner

_START_LEAD_NS = 100 * NS_PER_MS  #: between arming the links and T0


def main() -> None:
    """Be the keeper of the laboratory on standard input, for ever."""
    text = sys.stdin.read()
    if os.fork():
        os._exit(0)  # who started it has a child no more, and may end or live on
    report = os.dup(1)  # kept from the processes that this one starts, so that its end means the keeper's word
    _redirect(Path(os.devnull), 0, 1)
    if not _is_awaited(report):
        sys.exit("the process that asked for the laboratory has ended")
    try:
        asyncio.run(_keep(LabDesign.from_json(text), report))
    except PlctlError as error:
        _report(report, str(error), error.exit_status)
        sys.exit(error.exit_status)


async def _keep(design: LabDesign, report: int) -> None:
    with Owner.create(lab_folder(design.name).name) as owner, contextlib.closing(Ledger(owner.ledger_path)) as ledger:
        me = processes.identify(os.getpid())
        owner.write_holder(f"{me.pid} {me.started} {me.session}")
        _log_to(owner.path / LOG_NAME)
        wire(design, ledger)
        (owner.path / HOSTS_NAME).write_text(_hosts_file(design))
        gates = start_hosts(design, owner.path, ledger)
        forwarder = await _emulate(design, ledger) if design.delayed else None
        (owner.path / DESIGN_NAME).write_text(design.to_json())
        _report(report, "", 0)
        if forwarder:
            (owner.path / TROUBLE_NAME).write_text(await forwarder.died)
        await asyncio.Event().wait()
        assert gates, "they are open for as long as this process is"


async def _emulate(design: LabDesign, ledger: Ledger) -> DataPlane:
    """A forwarder with the links of all hosts that have a delay, started."""
    forwarder = await start_data_plane(ledger, len(design.delayed))
    for slot, host in enumerate(design.delayed):
        await forwarder.add(slot, host.link_netns, host.link_plan(design.seed), seed=design.seed)
    await forwarder.arm(range(len(design.delayed)), time.monotonic_ns() + _START_LEAD_NS)
    return forwarder


def _hosts_file(design: LabDesign) -> str:
    """What hosts see as /etc/hosts: they know each other by name."""
    local = ["127.0.0.1 localhost", "::1 localhost"]
    return "\n".join([*local, *(f"{address} {h.name}" for h in design.hosts for address in (h.ipv4, h.ipv6)), ""])


def _is_awaited(report: int) -> bool:
    """Whether somebody still holds the other end of the pipe."""
    poll = select.poll()
    poll.register(report, 0)
    return not poll.poll(0)


def _report(report: int, error: str, status: int) -> None:
    """Tell whoever waits, and let go of the pipe. If nobody does any more, this process ends."""
    try:
        os.write(report, json.dumps({"error": error, "status": status}).encode())
    except BrokenPipeError:
        sys.exit("the process that asked for the laboratory has ended")
    os.close(report)


def _log_to(path: Path) -> None:
    """Let what goes wrong later be written there, not to a terminal that may be gone."""
    path.touch(0o600)
    _redirect(path, 2)


def _redirect(path: Path, *descriptors: int) -> None:
    fd = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CLOEXEC)
    for each in descriptors:
        os.dup2(fd, each)
    os.close(fd)


if __name__ == "__main__":
    main()
