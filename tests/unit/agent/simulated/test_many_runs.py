"""What an agent and a controller keep of a run that is over does not add up."""

from __future__ import annotations

import asyncio
import gc
from collections import Counter
from pathlib import Path

from plctl.agent.service.daemon import Agent
from plctl.agent.simulated.site import SimulatedSite
from plctl.common.base.clock import RealClock
from plctl.common.base.units import NS_PER_MS
from plctl.common.plan.run_plan import LinkPlan, RunPlan, Workload
from plctl.common.scenario.schedule import Row, Schedule
from plctl.common.transport.hub_and_spoke import LocalHub
from plctl.controller.hub.agent_hub import AgentHub
from plctl.controller.launch.local_host import Unwatched
from plctl.controller.results.run_folder import RunFolder
from plctl.controller.results.run_record import LinkRecord, RunRecord
from plctl.controller.run.session import Session

RUNS = 6
#: What an agent keeps of its last 1000 runs, one of each a run: the answer to RELEASE, should that come again.
KEPT = ("plctl.common.protocol.messages.Released", "plctl.common.protocol.messages.Envelope")
#: A timer that was cancelled stays in asyncio's heap, with its context, until more than half there are cancelled.
TIMERS = {
    *("asyncio.events.TimerHandle", "_contextvars.Context", "builtins.hamt", "builtins.hamt_bitmap_node"),
    "builtins.builtin_function_or_method",
}


async def carry(agent_hub: AgentHub, folder: Path, run: str) -> None:
    """One short run of two links, on the simulated agent `a`."""
    schedule = Schedule((Row(0, 0, NS_PER_MS, 10**8),))
    programs = (Workload("w", "client", ("anything",), start_ns=NS_PER_MS),)
    links = tuple(LinkPlan(name, schedule, schedule, workloads=programs) for name in ("l-0", "l-1"))
    plan = RunPlan(run, 1, links, duration_ns=10 * NS_PER_MS, sample_interval_ns=NS_PER_MS)
    with RunFolder.create(folder, run) as made:
        made.record_plan(RunRecord(run, "r", 1, tuple(LinkRecord(link, "a") for link in links)))
        record = await Session({"a": plan}, made, agent_hub, RealClock(), Unwatched()).run()
    assert "every figure is synthetic" in record.cause
    agent_hub.journal.end(run)
    agent_hub.journal.commit()


def objects() -> Counter[str]:
    """How many there are now of each type."""
    gc.collect()
    return Counter(f"{type(each).__module__}.{type(each).__qualname__}" for each in gc.get_objects())


async def test_no_object_of_a_run_outlives_it(tmp_path: Path) -> None:
    """But for what is kept on purpose, of no type of object there is one more for each run."""
    hub = LocalHub()
    agent_hub = AgentHub(hub, RealClock(), "c")
    agent = Agent("a", hub.spoke("a"), RealClock(), SimulatedSite(2))
    serving = [asyncio.create_task(agent_hub.serve()), asyncio.create_task(agent.serve())]
    await asyncio.wait_for(agent_hub.wait_for("a"), 20)
    for number in range(2):
        await carry(agent_hub, tmp_path, f"r-{number:04}")
    before = objects()
    for number in range(RUNS):
        await carry(agent_hub, tmp_path, f"s-{number:04}")
    more = objects() - before
    agent.stop()
    await serving[1]
    serving[0].cancel()
    await asyncio.gather(*serving, return_exceptions=True)
    assert {RUNS} == {more[name] for name in KEPT}
    assert not {name: count for name, count in more.items() if count >= RUNS and name not in {*KEPT, *TIMERS}}
