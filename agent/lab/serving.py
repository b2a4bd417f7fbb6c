"""A controller and an agent on each host of a laboratory, with keys, for as long as somebody uses them."""

from __future__ import annotations

import getpass
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import NoReturn

from plctl.agent.lab.lab import Lab, LabHost
from plctl.common.base.errors import WorldError
from plctl.common.base.interpreter import module_command
from plctl.common.base.process_end import how_it_ended, telling_line
from plctl.common.security.enrolment import enroll_all, init_controller

ADDRESS = "tcp://controller:7777"
#: The hosts that are there for the others, and carry no links.
_HELPERS = ("controller", "workstation")
#: How long all agents together may take to serve, and each process to leave.
START_S = 120.0
LEAVE_S = 30.0
_POLL_S = 0.05


@dataclass(frozen=True, slots=True)
class _Service:
    name: str
    process: subprocess.Popen[bytes]
    log: Path  #: what it says
    serves: str  #: the words there that tell that it serves


@contextmanager
def serving(lab: Lab, folder: Path) -> Iterator[dict[str, str]]:
    """Have controller and agents serve; what whoever commands them must have in the environment.

    Keys, logs and the controller's runs lie in `folder`. Everything is ended when the block is left.

    :raises WorldError: one of them did not come up; the message ends with what it said.
    :raises KernelError: `folder` cannot be written.
    """
    keys, hosts = folder / "keys", [host for host in lab.hosts if host.name not in _HELPERS]
    init_controller(keys, getpass.getuser())
    enroll_all(keys, [host.name for host in hosts], "agent")
    services: list[_Service] = []
    try:
        runs = ("--keys", str(keys), "--runs", str(folder / "runs"))
        services.append(_start(lab.host("controller"), folder, "controller.listening", "controller", *runs))
        for host in hosts:
            own = ("--controller", ADDRESS, "--keys", str(keys / "enrolled" / host.name))
            services.append(_start(host, folder, "serves the controller", "agent", *own))
        _await(services)
        yield {"PLCTL_CONTROLLER": ADDRESS, "PLCTL_KEYS": str(keys)}
    finally:
        _end(services)


def use(host: LabHost, command: str, env: Mapping[str, str]) -> int:
    """Run `command` on `host` with the terminal, to its end; its exit status.

    Ctrl-C is the command's affair; whatever ends this process otherwise ends the command, and is raised as SystemExit.
    """
    before = {number: signal.signal(number, _leave) for number in (signal.SIGTERM, signal.SIGHUP)}
    before[signal.SIGINT] = signal.signal(signal.SIGINT, lambda _number, _frame: None)
    try:
        with host.popen([command], env=dict(env)) as process:
            try:
                return process.wait()
            finally:
                process.terminate()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _leave(number: int, _frame: FrameType | None) -> NoReturn:
    raise SystemExit(128 + number)


def _start(host: LabHost, folder: Path, serves: str, *arguments: str) -> _Service:
    log = folder / f"{host.name}.log"
    with log.open("wb") as output:
        process = host.popen(
            module_command("plctl.common", *arguments),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,  # Ctrl-C in the terminal is not for it
        )
    return _Service(host.name, process, log, serves)


def _await(services: list[_Service]) -> None:
    deadline = time.monotonic() + START_S
    waiting = list(services)
    while waiting:
        if waiting[0].serves in waiting[0].log.read_text(errors="replace"):
            waiting.pop(0)
            continue
        for each in services:
            if (status := each.process.poll()) is not None:
                raise WorldError(f"what should serve on {each.name} {how_it_ended(status)}: {_last_words(each)}")
        if time.monotonic() > deadline:
            raise WorldError(f"{waiting[0].name} does not serve after {START_S:g} s: {_last_words(waiting[0])}")
        time.sleep(_POLL_S)


def _end(services: list[_Service]) -> None:
    """Agents first, so that they can say goodbye."""
    for some in (services[1:], services[:1]):
        for each in some:
            each.process.terminate()
        for each in some:
            with suppress(subprocess.TimeoutExpired):
                each.process.wait(LEAVE_S)
            each.process.kill()
            each.process.wait()


def _last_words(service: _Service) -> str:
    return telling_line(service.log.read_text(errors="replace")) or "it said nothing"
