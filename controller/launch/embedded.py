"""Everything `plctl run` needs on one machine: a controller of its own, which the local agent serves."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from plctl.common.base.background import background
from plctl.common.base.clock import Clock
from plctl.common.base.errors import WorldError
from plctl.common.base.interpreter import module_command
from plctl.common.base.process_end import how_it_ended
from plctl.common.transport.hub_and_spoke import ZmqHub
from plctl.controller.hub.agent_hub import AgentHub
from plctl.controller.launch.local_agent import LEAVE_SECONDS, LOCAL_HOST, LocalAgent

#: How long a local agent may take to say hello.
HELLO_SECONDS = 60.0


@asynccontextmanager
async def embedded_hub(clock: Clock, address: str) -> AsyncIterator[AgentHub]:
    """An agent hub of this process, at `address`."""
    hub = ZmqHub(address)
    try:
        agent_hub = AgentHub(hub, clock, name="embedded")
        async with background() as tasks:
            tasks.create_task(agent_hub.serve())
            yield agent_hub
    finally:
        hub.close()


@asynccontextmanager
async def serving(agent: LocalAgent, agent_hub: AgentHub) -> AsyncIterator[None]:
    """`agent` serves `agent_hub` within the block; afterwards it is gone, with all that it made.

    :raises WorldError: it did not come up; the message ends with what it said.
    """
    watch = asyncio.create_task(_watch(agent, agent_hub))
    try:
        await _wait_for_hello(agent, agent_hub)
        yield
    finally:
        agent.leave()
        try:
            status = await asyncio.wait_for(agent.ended(), LEAVE_SECONDS)
        except TimeoutError:
            agent.kill()
            status = await agent.ended()
        watch.cancel()
        await asyncio.gather(watch, return_exceptions=True)
        if status:
            await _clean_up()


async def _wait_for_hello(agent: LocalAgent, agent_hub: AgentHub) -> None:
    hello = asyncio.create_task(agent_hub.wait_for(LOCAL_HOST))
    ended = asyncio.create_task(agent.ended())
    try:
        await asyncio.wait({hello, ended}, timeout=HELLO_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        if not hello.done():
            raise WorldError(f"the local agent did not start: {agent.last_words()}")
    finally:
        hello.cancel()
        ended.cancel()
        await asyncio.gather(hello, ended, return_exceptions=True)


async def _watch(agent: LocalAgent, agent_hub: AgentHub) -> None:
    """An agent that ends before it is told to takes its links with it."""
    status = await agent.ended()
    agent_hub.mark_gone(LOCAL_HOST, f"the local agent {how_it_ended(status)}: {agent.last_words()}")


async def _clean_up() -> None:
    """The agent did not end as it should: do what the next one would do, now."""
    process = await asyncio.create_subprocess_exec(
        *module_command("plctl.common", "clean"), stdout=asyncio.subprocess.DEVNULL
    )
    await process.wait()
