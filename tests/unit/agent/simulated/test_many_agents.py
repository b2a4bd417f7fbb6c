"""Many simulated agents in one process each speak under their own name and with their own key."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from support.hostile import Site

from plctl.agent.simulated.many_agents import Simulation, load_keys
from plctl.common.base.clock import RealClock
from plctl.common.base.errors import BusyError, UserError, WorldError
from plctl.common.protocol import messages as m
from plctl.common.security.allow_list import AllowList
from plctl.common.security.enrolment import enroll_all, init_controller
from plctl.common.transport.hub_and_spoke import ZmqHub
from plctl.common.transport.refusals import Refusals
from plctl.controller.hub.agent_hub import AgentHub

NAMES = ["sim-0", "sim-1", "sim-2"]


async def test_agents_of_one_process_come_with_their_own_keys(tmp_path: Path) -> None:
    """Over TCP each is known by its key, and leaves with a goodbye."""
    refusals = Refusals(RealClock())
    site = Site(tmp_path / "keys", refusals)
    enroll_all(site.folder, NAMES, "agent")
    agent_hub = AgentHub(site.hub, RealClock(), "c", refusals)
    serving = asyncio.create_task(agent_hub.serve())
    simulation = Simulation(site.hub.address, load_keys(site.folder / "enrolled", NAMES), 1, print)
    agents = asyncio.create_task(simulation.serve())
    for name in NAMES:
        record = await asyncio.wait_for(agent_hub.wait_for(name), 20)
        assert (name, name) == (record.peer.name, record.hello.agent)
    simulation.stop()
    await asyncio.wait_for(agents, 20)
    async with asyncio.timeout(20):
        while any(record.here for record in agent_hub.agents.values()):
            await asyncio.sleep(0.01)
    serving.cancel()
    await asyncio.gather(serving, return_exceptions=True)
    site.close()
    assert not refusals.counts


async def test_one_that_is_refused_ends_all(tmp_path: Path) -> None:
    """A controller that turns one away ends the simulation with its sentence."""
    hub = ZmqHub(f"ipc://{tmp_path}/control")
    simulation = Simulation(f"ipc://{tmp_path}/control", dict.fromkeys(NAMES), 1, print)
    agents = asyncio.create_task(simulation.serve())
    peer, _ = await asyncio.wait_for(hub.receive(), 20)
    await hub.send(peer, m.encode(m.Envelope(m.Refused("no room"))))
    with pytest.raises(WorldError, match="refuses this agent: no room"):
        await asyncio.wait_for(agents, 20)
    hub.close()


def test_missing_keys_are_named_with_the_command_that_makes_them(tmp_path: Path) -> None:
    """A sentence says how many are missing and how to make them."""
    with pytest.raises(UserError, match=r"no keys for 3 of 3 agents.*plctl agent enroll sim-0 sim-1 sim-2;"):
        load_keys(tmp_path, NAMES)


def test_many_are_enrolled_at_once_or_not_at_all(tmp_path: Path) -> None:
    """A name that is taken or given twice lets none of the others in, and leaves no key."""
    init_controller(tmp_path, "ada")
    enroll_all(tmp_path, ["sim-1"], "agent")
    with pytest.raises(BusyError, match="sim-1 is on the list"):
        enroll_all(tmp_path, NAMES, "agent")
    with pytest.raises(UserError, match="'sim-4' is given twice"):
        enroll_all(tmp_path, ["sim-4", "sim-4"], "agent")
    assert ["ada", "sim-1"] == [entry.name for entry in AllowList(tmp_path).entries()]
    assert ["sim-1"] == [folder.name for folder in (tmp_path / "enrolled").iterdir()]
    files = enroll_all(tmp_path, NAMES, "agent", replace=True)
    assert 2 * len(NAMES) == len(files)
    assert {"ada", *NAMES} == {entry.name for entry in AllowList(tmp_path).entries()}
