"""A simulated agent takes a whole run through the real controller's session, and leaves no doubt that it is one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from pathlib import Path
from typing import Any

import pytest

from plctl.agent.service.daemon import Agent
from plctl.agent.simulated.site import SimulatedSite
from plctl.common.base.clock import RealClock
from plctl.common.base.errors import UserError
from plctl.common.base.units import NS_PER_MS
from plctl.common.plan.link_change import AppliedChange, LinkChange
from plctl.common.plan.run_plan import LinkPlan, RunPlan, Workload
from plctl.common.scenario.schedule import Row, Schedule
from plctl.common.telemetry.samples import Samples
from plctl.common.transport.hub_and_spoke import LocalHub
from plctl.controller.hub.agent_hub import AgentHub
from plctl.controller.lifecycle.machine import RunPhase
from plctl.controller.results import telemetry_file
from plctl.controller.results.run_folder import RunFolder
from plctl.controller.results.run_record import LinkRecord, RunRecord
from plctl.controller.run.session import Session

SCHEDULE = Schedule((Row(0, 0, NS_PER_MS, 10**8),))
ROOM = 2


class Counting:
    """An observer that counts samples, and cancels the run at its start if it is told to."""

    def __init__(self) -> None:
        self.samples_of: dict[str, int] = {}
        self.cancel_when_running: Session | None = None
        self.running = False

    def phase(self, phase: RunPhase, t0_ns: int) -> None:  # noqa: ARG002  (an observer gets both)
        """Cancel, if that was asked for."""
        self.running = self.running or phase is RunPhase.RUNNING
        if phase is RunPhase.RUNNING and self.cancel_when_running:
            self.cancel_when_running.cancel("enough")

    def samples(self, host: str, samples: Samples) -> None:
        """Count them."""
        self.samples_of[host] = self.samples_of.get(host, 0) + len(samples)

    def note(self, event: str, host: str, link: str, facts: Mapping[str, object]) -> None:
        """Not looked at here."""


Script = Callable[[Session], Coroutine[Any, Any, None]]


class Stage:
    """A controller with simulated agents `a` and `b`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.hub = LocalHub()
        self.agent_hub = AgentHub(self.hub, RealClock(), "c")
        self.agents = [Agent(name, self.hub.spoke(name), RealClock(), SimulatedSite(ROOM)) for name in "ab"]
        self.counting = Counting()

    async def run(
        self, plans: Mapping[str, RunPlan], *, cancel: bool = False, script: Script | None = None
    ) -> RunRecord:
        """Take a run through; `script` acts on its session meanwhile."""
        for host in plans:
            await asyncio.wait_for(self.agent_hub.wait_for(host), 20)
        links = tuple(LinkRecord(link, host) for host, plan in plans.items() for link in plan.links)
        with RunFolder.create(self.folder, "r-0001") as folder:
            folder.record_plan(RunRecord("r-0001", "r", 1, links))
            session = Session(plans, folder, self.agent_hub, RealClock(), self.counting)
            self.counting.cancel_when_running = session if cancel else None
            works = [session.run(), *([script(session)] if script else [])]
            done = await asyncio.wait_for(asyncio.gather(*works), 30)
            assert isinstance(done[0], RunRecord)
            return done[0]


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    """A stage on which everybody serves; in the end the agents leave in good order."""
    made = Stage(tmp_path)
    agent_hub = asyncio.create_task(made.agent_hub.serve())
    agents = [asyncio.create_task(agent.serve()) for agent in made.agents]
    yield made
    for agent in made.agents:
        agent.stop()
    await asyncio.gather(*agents)
    agent_hub.cancel()
    await asyncio.gather(agent_hub, return_exceptions=True)


def plan(host: str, links: int, **facts: int) -> RunPlan:
    """A plan of `links` links on `host`, sampled every 10 ms."""
    made = tuple(LinkPlan(f"{host}-{number}", SCHEDULE, SCHEDULE) for number in range(links))
    return RunPlan("r-0001", 1, made, sample_interval_ns=10 * NS_PER_MS, **facts)


async def test_a_simulated_run_goes_its_whole_way(stage: Stage) -> None:
    """All samples of the duration arrive, and the verdict is `simulated`, never `ok`."""
    record = await stage.run({host: plan(host, ROOM, duration_ns=250 * NS_PER_MS) for host in "ab"})
    assert {"a", "b"} == stage.counting.samples_of.keys()
    assert all(25 * ROOM * 2 <= count <= 60 * ROOM * 2 for count in stage.counting.samples_of.values())
    assert [True, True] == [host.simulated for host in record.hosts]
    assert {"simulated"} == {link.verdict for link in record.links}
    assert "every figure is synthetic" in record.cause
    assert all(link.result and link.result.up.delivered_packets for link in record.links)


async def test_a_run_ends_with_its_workloads(stage: Stage) -> None:
    """A simulated workload ends well as soon as it was to start, and with it a run without a duration."""
    workload = Workload("w", "client", ("anything",), start_ns=30 * NS_PER_MS)
    link = LinkPlan("x", SCHEDULE, SCHEDULE, workloads=(workload,))
    record = await stage.run({"a": RunPlan("r-0001", 1, (link,))})
    result = record.links[0].result
    assert result is not None
    assert [("w", 0, "")] == [(each.name, each.status, each.cause) for each in result.workloads]


async def test_a_simulated_host_refuses_more_links_than_it_has_room_for(stage: Stage) -> None:
    """One link too many cannot be prepared, so nothing starts."""
    record = await stage.run(
        {"a": plan("a", ROOM + 1, duration_ns=NS_PER_MS), "b": plan("b", 1, duration_ns=NS_PER_MS)}
    )
    assert {"failed"} == {link.verdict for link in record.links}
    assert "link a-2: this simulated host has room for 2 links" in record.links[0].cause
    assert not stage.counting.samples_of


async def test_a_simulated_run_can_be_cancelled(stage: Stage) -> None:
    """STOP ends it long before its time, with results; that it was simulated is still said."""
    record = await stage.run({"a": plan("a", 1, duration_ns=10**12)}, cancel=True)
    assert "cancelled" == record.verdict
    assert record.links[0].result is not None
    assert any("simulated" in finding for finding in record.links[0].also)


async def test_a_simulated_link_can_be_changed(stage: Stage) -> None:
    """It says since when, its telemetry follows, and the record has it."""
    wanted = LinkChange({"rate_bps": 10**6}, {"delay_ns": 5 * NS_PER_MS})
    done: list[AppliedChange] = []

    async def change(session: Session) -> None:
        while not stage.counting.running:
            await asyncio.sleep(0.001)
        with pytest.raises(UserError, match="names no value"):
            await session.change("a-0", LinkChange(), "ada")
        done.append(await session.change("a-0", wanted, "ada"))

    record = await stage.run({"a": plan("a", 1, duration_ns=500 * NS_PER_MS)}, script=change)
    assert tuple(done) == record.links[0].changes
    assert LinkChange({"rate_bps": 10**8}, {"delay_ns": NS_PER_MS}) == done[0].before
    table = telemetry_file.read(stage.folder / "r-0001", "r-0001", record.t0_by_host())
    seen = {(row["direction"], row["rate_bps"], row["delay_ns"]) for row in table.to_pylist()}
    assert {("up", 10**8, NS_PER_MS), ("up", 10**6, NS_PER_MS), ("down", 10**8, 5 * NS_PER_MS)} <= seen


async def test_what_it_offers_is_marked_as_simulated(stage: Stage) -> None:
    """HELLO says so in a field of its own and in the facts, and has room for so many links."""
    hello = (await asyncio.wait_for(stage.agent_hub.wait_for("a"), 20)).hello
    assert hello.simulated
    assert "synthetic" in hello.facts["simulated"]
    assert ROOM == hello.capacity.workers
    assert hello.capacity.memory_bytes > 0 < hello.capacity.packets_per_s
