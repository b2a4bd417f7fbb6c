"""Many runs on one machine, one after the other: agent and forwarder are started once, each run is judged by itself."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from support.running import find_forwarder

from plctl.common.base.units import NS_PER_S
from plctl.common.plan.run_plan import LinkPlan
from plctl.common.plan.run_request import LinkRequest, RunRequest
from plctl.controller.launch.local_host import Unwatched, local_host
from plctl.controller.lifecycle.run_events import RunPhase


def request_of(plan: LinkPlan, name: str, duration_ns: int = NS_PER_S // 2) -> RunRequest:
    """A run of that link alone."""
    return RunRequest(name, 1, (LinkRequest(plan),), duration_ns=duration_ns, labels={"cell": name})


def events_of(folder: Path, event: str) -> list[dict[str, Any]]:
    """What the run's log says of `event`."""
    log = (folder / "events.jsonl").read_text().splitlines()
    return [entry for entry in map(json.loads, log) if entry["event"] == event]


async def test_runs_share_an_agent_and_a_forwarder(plan: LinkPlan, state_folder: Path, tmp_path: Path) -> None:
    """Two runs have folders, verdicts and telemetry of their own, and one forwarder carried both."""
    async with local_host() as host:
        first, one = await host.run(request_of(plan, "one"), tmp_path / "runs", command=("study",))
        second, two = await host.run(request_of(plan, "two"), tmp_path / "runs", report=True)
    assert [one.name, two.name] == [first.run, second.run]
    assert ["one", "two"] == [first.labels["cell"], second.labels["cell"]]
    for record, folder in ((first, one), (second, two)):
        assert record.verdict in ("ok", "late", "skewed"), record.cause
        assert record.run == json.loads((folder / "run.json").read_text())["run"]
        assert 0 < pq.read_table(folder / "telemetry.parquet").num_rows
    assert ("study",) == first.command
    assert [False, True] == [(folder / "report.html").exists() for folder in (one, two)]
    forwarders = {entry["pid"] for folder in (one, two) for entry in events_of(folder, "forwarder.started")}
    assert 1 == len(forwarders)
    assert [] == list(state_folder.glob("*/"))


class _Killer(Unwatched):
    """Kills the agent, whose pid is in the status file, once the run goes on."""

    def __init__(self, state_folder: Path) -> None:
        self._state_folder = state_folder
        self.killed = 0

    def phase(self, phase: RunPhase, t0_ns: int) -> None:  # noqa: ARG002  (Observer has it)
        """Act once the run goes on."""
        if phase is RunPhase.RUNNING:
            (folder,) = self._state_folder.glob("agent-local-*")
            self.killed = int(folder.name.rpartition("-")[2])
            os.kill(self.killed, signal.SIGKILL)


async def test_an_agent_that_was_killed_costs_its_run_only(plan: LinkPlan, state_folder: Path, tmp_path: Path) -> None:
    """The run in which it happens fails, with the cause; the next one has an agent again, and nothing is left."""
    killer = _Killer(state_folder)
    async with local_host() as host:
        broken, _ = await host.run(request_of(plan, "one", 30 * NS_PER_S), tmp_path, watch=lambda _: killer)
        whole, _ = await host.run(request_of(plan, "two"), tmp_path)
    assert killer.killed
    assert ("failed", True) == (broken.verdict, "SIGKILL" in broken.cause), broken.cause
    assert whole.verdict in ("ok", "late", "skewed"), whole.cause


async def test_whoever_cancels_gets_a_run_that_ended_in_good_order(
    plan: LinkPlan, state_folder: Path, tmp_path: Path
) -> None:
    """The task that waits for a run is cancelled: the verdicts are written, and the host is good for the next run."""
    async with local_host() as host:
        task = asyncio.create_task(host.run(request_of(plan, "one", 30 * NS_PER_S), tmp_path))
        async with asyncio.timeout(60):
            while not list(tmp_path.glob("*/events.jsonl")) or not events_of(*tmp_path.iterdir(), "run.running"):
                await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        (folder,) = tmp_path.iterdir()
        assert "cancelled" == json.loads((folder / "run.json").read_text())["verdict"]
        after, _ = await host.run(request_of(plan, "two"), tmp_path)
        assert after.verdict in ("ok", "late", "skewed"), after.cause
        assert find_forwarder(state_folder)
