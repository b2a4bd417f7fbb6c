"""What an agent lets its host know: whether it serves, and what goes on."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from support.hostile import Site, until

from plctl.agent.commands.status import status
from plctl.agent.run.host_site import HostSite
from plctl.agent.service.daemon import Agent
from plctl.agent.service.local_status import LocalStatus, StatusFile, read_statuses
from plctl.common import __version__
from plctl.common.base.clock import RealClock, clock_identity
from plctl.common.host.state import Owner
from plctl.common.plan.run_plan import RunPlan
from plctl.common.protocol import messages as m
from plctl.common.transport.refusals import Refusals


@pytest.fixture
async def systemd(monkeypatch: pytest.MonkeyPatch, state_folder: Path) -> AsyncIterator[socket.socket]:
    """A socket on which systemd would listen, for a service with a watchdog."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(state_folder / "notify"))
        listener.setblocking(False)
        monkeypatch.setenv("NOTIFY_SOCKET", str(state_folder / "notify"))
        monkeypatch.setenv("WATCHDOG_USEC", "20000000")
        yield listener


async def hear(listener: socket.socket, word: bytes) -> bytes:
    """The next datagram with `word` in it."""
    while True:
        if word in (data := await asyncio.wait_for(asyncio.get_running_loop().sock_recv(listener, 200), 60)):
            return data


async def test_an_agent_is_ready_once_it_is_welcome(systemd: socket.socket, tmp_path: Path) -> None:
    """Started, it waits for its controller; welcomed, it is ready; with a run, it says which; then none is left."""
    site = Site(tmp_path / "keys", Refusals(RealClock()))
    agent = Agent("edge-1", site.spoke(site.enroll("edge-1")), RealClock(), HostSite())
    serving = asyncio.create_task(agent.serve())
    try:
        peer, _ = await asyncio.wait_for(site.hub.receive(), 60)
        assert [(False, ())] == [(found.serving, found.runs) for found in read_statuses()]
        assert b"READY" not in await hear(systemd, b"STATUS=")
        assert b"WATCHDOG=1" == await hear(systemd, b"WATCHDOG")
        await site.hub.send(peer, m.encode(m.Envelope(m.Welcome("c", clock_identity()))))
        assert b"READY=1\nSTATUS=serving; runs: none" == await hear(systemd, b"READY")
        await site.hub.send(peer, m.encode(m.Envelope(m.Prepare(RunPlan("r-1", 1, ())), id=1, epoch="r-1")))
        await until(lambda: [("edge-1", ("r-1",))] == [(found.name, found.runs) for found in read_statuses()])
        await site.hub.send(peer, m.encode(m.Envelope(m.Release(), id=2, epoch="r-1")))
        await until(lambda: [()] == [found.runs for found in read_statuses()])
    finally:
        agent.stop()
        await asyncio.gather(serving, return_exceptions=True)
        site.close()
    assert [] == read_statuses()


def test_a_dead_agent_has_no_status(state_folder: Path) -> None:
    """The file that a killed agent left says nothing about the present."""
    owner = Owner.create("agent-edge-1-1")
    StatusFile(owner.path, "edge-1").update(serving=True, runs=["r-1"])
    assert [LocalStatus("edge-1", read_statuses()[0].pid, __version__, True, ("r-1",))] == read_statuses()
    owner.close()
    assert [] == read_statuses()
    with Owner.join(state_folder / "agent-edge-1-1", exclusive=True) as heir:
        heir.remove()


@pytest.mark.parametrize(
    ("serving", "runs", "line", "code"),
    [
        (True, (), "serving, no runs", 0),
        (True, ("a", "b"), "serving, runs: a, b", 0),
        (False, (), "waiting for its controller, no runs", 1),
    ],
)
@pytest.mark.needs_root
def test_the_status_command_says_it(serving: bool, runs: tuple[str, ...], line: str, code: int) -> None:
    """For people in a line, for programs as JSON, and by the exit status."""
    with Owner.create("agent-edge-1-1") as owner:
        StatusFile(owner.path, "edge-1").update(serving=serving, runs=runs)
        shown, document = CliRunner().invoke(status), CliRunner().invoke(status, ["--json"])
        owner.remove()
    assert (code, True) == (shown.exit_code, shown.output.endswith(f": {line}\n"))
    assert [list(runs)] == [agent["runs"] for agent in json.loads(document.output)]


@pytest.mark.needs_root
def test_the_status_command_says_that_there_is_none() -> None:
    """And fails."""
    result = CliRunner().invoke(status)
    assert (1, "no agent runs here\n") == (result.exit_code, result.output)
