"""A run that was over without its agent is released by it, once it is heard again."""

from __future__ import annotations

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from plctl.common.base.background import background
from plctl.common.base.clock import ClockIdentity, FakeClock
from plctl.common.plan.forwarder_options import ForwarderOptions
from plctl.common.plan.run_plan import RunPlan
from plctl.common.protocol import messages as m
from plctl.common.transport.hub_and_spoke import LocalHub, LocalSpoke
from plctl.controller.hub.agent_hub import AgentHub
from plctl.controller.hub.journal import Happened
from plctl.controller.launch import local_host
from plctl.controller.launch.local_agent import LOCAL_HOST
from plctl.controller.launch.local_host import LocalHost, Unwatched
from plctl.controller.lifecycle.run_events import Begin
from plctl.controller.run.cleaning import Cleaner


class SessionOver:
    """In the place of a session: its run has ended, and what hosts it was not heard to be released by."""

    owed: frozenset[str] = frozenset({LOCAL_HOST})

    def __init__(self, plans: dict[str, RunPlan], _folder: object, agent_hub: AgentHub, *_: object) -> None:
        self._run, self._journal = plans[LOCAL_HOST].run, agent_hub.journal

    async def run(self) -> SimpleNamespace:
        """What the run says of itself does not matter."""
        self._journal.append(self._run, Happened(Begin(), 1, 0))
        return SimpleNamespace()

    def cancel(self, cause: str) -> None:
        """Nobody asks for it."""


async def hear(spoke: LocalSpoke) -> m.Envelope:
    """What the agent gets next."""
    return m.decode(await asyncio.wait_for(spoke.receive(), 10), "controller")


async def say(spoke: LocalSpoke, message: m.Message, **more: Any) -> None:
    """What the agent sends."""
    await spoke.send(m.encode(m.Envelope(message, **more)))


async def test_an_agent_that_was_given_up_is_told_to_release(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What it still has of the run is taken away, and nothing of that is remembered here."""
    monkeypatch.setattr(local_host, "Session", SessionOver)
    hub, clock = LocalHub(), FakeClock()
    agent_hub = AgentHub(hub, clock, "c")
    spoke = hub.spoke(LOCAL_HOST)
    async with background() as tasks:
        tasks.create_task(agent_hub.serve())
        cleaner = Cleaner(agent_hub)
        cleaner.begin(tasks)
        host = LocalHost(tmp_path, ForwarderOptions(), agent_hub, clock, cleaner)
        await say(spoke, m.Hello(LOCAL_HOST, "0.1.0", 11, ClockIdentity("b", "t")))
        assert isinstance((await hear(spoke)).message, m.Welcome)
        await host._carry(RunPlan("r", 1, ()), cast("Any", None), Unwatched())
        told = await hear(spoke)
        assert (m.Release(), "r") == (told.message, told.epoch)
        await say(spoke, m.Released(), reply_to=told.id, epoch="r")
        while agent_hub.journal.owed():
            await asyncio.sleep(0)
        assert {} == cleaner._cleanups
        assert [] == agent_hub.journal.course("r"), "what happened to a run that is over is kept in memory"
        SessionOver.owed = frozenset()
        await host._carry(RunPlan("s", 1, ()), cast("Any", None), Unwatched())
        assert {} == cleaner._cleanups
