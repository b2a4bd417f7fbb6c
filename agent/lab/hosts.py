"""Starts the hosts of a laboratory: one holder each, in the ledger before it makes anything."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from plctl.agent.kernel.namespace import NETNS_DIR
from plctl.agent.lab import holder
from plctl.agent.lab.design import HostDesign, LabDesign
from plctl.agent.lab.folder import HOSTS_NAME, ledger_name, state_folder
from plctl.agent.ownership.ledger import Ledger
from plctl.common.base.errors import KernelError, WorldError


@dataclass(frozen=True, slots=True)
class _Start:
    """A holder that was told to go."""

    host: HostDesign
    process: subprocess.Popen[bytes]  #: that makes the namespaces and ends; the holder is its child
    gate: int
    status: int


def start_hosts(design: LabDesign, folder: Path, ledger: Ledger) -> list[int]:
    """Start all hosts, whose network namespaces exist, and return when they are up.

    :return: descriptors by which they live: a host ends when its own is closed.
    :raises WorldError: one does not start; the message says why.
    """
    starts = [_start(host, folder, ledger) for host in design.hosts]
    for start in starts:
        _await(start, ledger)
    return [start.gate for start in starts]


def _start(host: HostDesign, folder: Path, ledger: Ledger) -> _Start:
    state_folder(folder, host.name).mkdir(0o700)
    gate_end, gate = os.pipe2(os.O_CLOEXEC)
    status, status_end = os.pipe2(os.O_CLOEXEC)
    order = {
        "gate": gate_end,
        "status": status_end,
        "netns": str(NETNS_DIR / host.netns),
        "hostname": host.name,
        "hosts_file": str(folder / HOSTS_NAME),
        "monotonic_ns": host.monotonic_offset_ns,
        "boottime_ns": host.boottime_offset_ns,
    }
    try:
        process = subprocess.Popen(
            [sys.executable, "-I", "-S", holder.__file__, json.dumps(order)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            pass_fds=(gate_end, status_end),
            start_new_session=True,
            cwd="/",
            env={**os.environ, **ledger.environment},
        )
    except OSError as error:
        raise KernelError.from_os(f"start host {host.name}", error) from error
    finally:
        os.close(gate_end)
        os.close(status_end)
    ledger.record_process(ledger_name(host.name), process.pid)
    os.write(gate, b"!")
    return _Start(host, process, gate, status)


def _await(start: _Start, ledger: Ledger) -> None:
    """Wait until the holder is up and enter it in place of the process that made it."""
    with os.fdopen(start.status) as stream:
        lines = stream.read().splitlines()
    start.process.wait()
    pids = [int(line) for line in lines if line.isdecimal()]
    if "ready" not in lines or not pids:
        words = [line for line in lines if line != "ready" and not line.isdecimal()]
        raise WorldError(f"cannot start host {start.host.name}: {' '.join(words) or 'it ended without a word'}")
    try:
        ledger.record_process(ledger_name(start.host.name), pids[0])
    except ProcessLookupError:
        raise WorldError(f"cannot start host {start.host.name}: it was killed as it came up") from None
