"""At T0 the forwarder goes first: where it cannot start, no workload does, and the links say why."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from support.running import stop

from plctl.agent.run.host_site import HostSite
from plctl.agent.service.daemon import Agent
from plctl.common.base.clock import RealClock
from plctl.common.base.units import NS_PER_MS, NS_PER_S
from plctl.common.plan.run_plan import LinkPlan, RunPlan, Workload
from plctl.common.telemetry.samples import Samples
from plctl.common.transport.hub_and_spoke import LocalHub
from plctl.controller.hub.agent_hub import AgentHub
from plctl.controller.lifecycle.machine import RunPhase
from plctl.controller.results.run_folder import RunFolder
from plctl.controller.results.run_record import LinkRecord, RunRecord
from plctl.controller.run.session import Session

CLOCK = RealClock()


@dataclass
class Holder:
    """An observer that stops the forwarder once links are being armed, until T0 has passed."""

    site: HostSite
    hold: bool
    resumer: asyncio.Task[None] | None = None

    def phase(self, phase: RunPhase, t0_ns: int) -> None:
        """Stop it, if that was asked for."""
        if phase is RunPhase.ARMING and self.hold and not self.resumer:
            assert self.site._forwarder is not None
            stop(self.site._forwarder.pid)
            self.resumer = asyncio.create_task(self._resume(self.site._forwarder.pid, t0_ns + 5 * NS_PER_MS))

    async def _resume(self, pid: int, at_ns: int) -> None:
        await CLOCK.sleep_until(at_ns)
        os.kill(pid, signal.SIGCONT)

    def samples(self, host: str, samples: Samples) -> None:
        """Not looked at here."""

    def note(self, event: str, host: str, link: str, facts: Mapping[str, object]) -> None:
        """Not looked at here."""


@pytest.fixture
async def site(state: Path, unique: str) -> AsyncIterator[tuple[str, HostSite, AgentHub]]:
    """A host with its agent, whose name no other test uses, and the agent hub that it talks to."""
    assert state.is_dir()
    hub, site = LocalHub(), HostSite()
    agent_hub, agent = AgentHub(hub, CLOCK, "c"), Agent(unique, hub.spoke(unique), CLOCK, site)
    tasks = [asyncio.create_task(agent_hub.serve()), asyncio.create_task(agent.serve())]
    yield unique, site, agent_hub
    agent.stop()
    await tasks[1]
    tasks[0].cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def run(
    name: str, site: HostSite, agent_hub: AgentHub, plan: LinkPlan, folder: Path, *, hold: bool = False
) -> RunRecord:
    """Take a run of one link and one workload, which makes the file `executed` and sends a packet, to its end."""
    send = f"touch {folder}/executed; echo > /dev/udp/192.168.66.2/9"
    workload = Workload("w", "client", ("bash", "-c", send), start_ns=20 * NS_PER_MS)
    plans = {name: RunPlan("r-0001", 1, (replace(plan, workloads=(workload,)),))}
    await asyncio.wait_for(agent_hub.wait_for(name), 20)
    with RunFolder.create(folder, "r-0001") as made:
        made.record_plan(RunRecord("r-0001", "r", 1, tuple(LinkRecord(link, name) for link in plans[name].links)))
        return await asyncio.wait_for(Session(plans, made, agent_hub, CLOCK, Holder(site, hold)).run(), 60)


def events(folder: Path, name: str) -> list[dict[str, Any]]:
    """The events of the run that are called so."""
    lines = (folder / "r-0001" / "events.jsonl").read_text().splitlines()
    return [event for event in map(json.loads, lines) if event["event"] == name]


async def test_no_workload_starts_on_a_link_that_does_not(
    site: tuple[str, HostSite, AgentHub], plan: LinkPlan, tmp_path: Path
) -> None:
    """A forwarder that could not be armed before T0 starts nothing later, and no gate was opened before it was."""
    record = await run(*site, plan, tmp_path, hold=True)
    assert "failed" == record.verdict
    said = r"T0 has passed: this host began [0-9.]+ ms before it and was not through [0-9.]+ ms after it; ease its load"
    assert re.search(said, record.links[0].cause), record.links[0].cause
    assert record.links[0].result, record.cause
    assert [0] == [each.executed_ns for each in record.links[0].result.workloads]
    assert not (tmp_path / "executed").exists()


async def test_a_workload_starts_once_its_link_is_armed(
    site: tuple[str, HostSite, AgentHub], plan: LinkPlan, tmp_path: Path
) -> None:
    """The same run without the stop: the link and its workload start, and the log says how long before T0 all stood."""
    record = await run(*site, plan, tmp_path)
    assert record.links[0].result, record.cause
    (workload,) = record.links[0].result.workloads
    assert workload.executed_ns
    t0_ns = record.links[0].planned_ns
    assert t0_ns
    assert workload.planned_ns == t0_ns + 20 * NS_PER_MS
    assert [True] == [event["before_t0_ns"] > 0 for event in events(tmp_path, "links.armed")]
    (started,) = events(tmp_path, "workload.started")
    assert 0.02 <= started["after_t0_s"] == (workload.executed_ns - t0_ns) / NS_PER_S
    assert (tmp_path / "executed").exists()


async def test_a_link_that_waits_for_traffic_is_open_and_starts_with_it(
    site: tuple[str, HostSite, AgentHub], plan: LinkPlan, tmp_path: Path
) -> None:
    """T0 is not its start: it is recorded, in run.json and in the log, as when the packet came that it waited for."""
    record = await run(*site, replace(plan, start="first-packet"), tmp_path)
    (link,) = record.links
    assert link.result, record.cause
    assert link.result.workloads[0].executed_ns
    assert link.started_ns == link.result.scenario_start_ns >= link.result.workloads[0].executed_ns
    assert (1, 0) == (len(events(tmp_path, "link.open")), len(events(tmp_path, "link.started")))
    assert [link.started_ns] == [event["t_ns"] for event in events(tmp_path, "scenario.started")]
