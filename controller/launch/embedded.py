"""Everything `plctl run` needs on one machine: a controller of its own and a local agent in a process of its own."""

from __future__ import annotations

import asyncio
import secrets
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from plctl.common.base.clock import Clock
from plctl.common.base.errors import UserError, WorldError
from plctl.common.base.interpreter import module_command
from plctl.common.base.process_end import how_it_ended, telling_line
from plctl.common.host.state import Owner
from plctl.common.plan.forwarder_options import ForwarderOptions
from plctl.common.transport.hub_and_spoke import ZmqHub
from plctl.controller.hub.agent_hub import AgentHub

#: What the local agent is called, in host globs, logs and results.
LOCAL_HOST = "local"
#: How long a local agent may take to say hello, and to take everything away and leave.
HELLO_SECONDS = 60.0
LEAVE_SECONDS = 60.0


def require_kernel() -> None:
    """Return if this machine can carry links, as the doctor says; nothing on it is touched.

    :raises UserError: it cannot; the message says what it lacks and how to get that.
    """
    doctor = module_command("plctl.common", "doctor", "--brief")
    verdict = subprocess.run(doctor, capture_output=True, text=True, check=False)
    if verdict.returncode:
        raise UserError(verdict.stderr.strip())


@asynccontextmanager
async def embedded_controller(clock: Clock, forwarder: ForwarderOptions) -> AsyncIterator[AgentHub]:
    """An agent hub with one agent, `LOCAL_HOST`, whose forwarder runs as `forwarder` says.

    Both are gone, with all they made, when the block is left.

    :raises WorldError: the agent did not come up; the message ends with what it said.
    """
    with Owner.create(f"controller-{secrets.token_hex(4)}") as owner:
        hub = ZmqHub(f"ipc://{owner.path}/control")
        try:
            agent_hub = AgentHub(hub, clock, name="embedded")
            serving = asyncio.create_task(agent_hub.serve())
            try:
                async with _local_agent(owner.path, agent_hub, forwarder):
                    yield agent_hub
            finally:
                serving.cancel()
                await asyncio.gather(serving, return_exceptions=True)
        finally:
            hub.close()
            owner.remove()


@asynccontextmanager
async def _local_agent(folder: Path, agent_hub: AgentHub, forwarder: ForwarderOptions) -> AsyncIterator[None]:
    """The agent's process. It leaves when its standard input ends, so also when this process is killed."""
    errors = folder / "agent.stderr"
    with errors.open("wb") as stderr:
        process = await asyncio.create_subprocess_exec(
            *module_command("plctl.agent", "--controller", f"ipc://{folder}/control"),
            *("--name", LOCAL_HOST, "--leave-with-stdin", *forwarder.arguments()),
            stdin=asyncio.subprocess.PIPE,
            stderr=stderr,
            start_new_session=True,  # Ctrl-C in the terminal is the controller's affair
        )
    watch = asyncio.create_task(_watch(process, agent_hub, errors))
    try:
        await _wait_for_hello(process, agent_hub, errors)
        yield
    finally:
        assert process.stdin is not None
        process.stdin.close()
        try:
            await asyncio.wait_for(process.wait(), LEAVE_SECONDS)
        except TimeoutError:
            process.kill()
            await process.wait()
        watch.cancel()
        await asyncio.gather(watch, return_exceptions=True)
        if process.returncode:
            await _clean_up()


async def _wait_for_hello(process: asyncio.subprocess.Process, agent_hub: AgentHub, errors: Path) -> None:
    hello = asyncio.create_task(agent_hub.wait_for(LOCAL_HOST))
    ended = asyncio.create_task(process.wait())
    try:
        await asyncio.wait({hello, ended}, timeout=HELLO_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        if not hello.done():
            raise WorldError(f"the local agent did not start: {_last_words(errors)}")
    finally:
        hello.cancel()
        ended.cancel()
        await asyncio.gather(hello, ended, return_exceptions=True)


async def _watch(process: asyncio.subprocess.Process, agent_hub: AgentHub, errors: Path) -> None:
    """An agent that ends before it is told to takes its links with it."""
    status = await process.wait()
    agent_hub.mark_gone(LOCAL_HOST, f"the local agent {how_it_ended(status)}: {_last_words(errors)}")


async def _clean_up() -> None:
    """The agent did not end as it should: do what the next one would do, now."""
    process = await asyncio.create_subprocess_exec(
        *module_command("plctl.common", "clean"), stdout=asyncio.subprocess.DEVNULL
    )
    await process.wait()


def _last_words(errors: Path) -> str:
    with suppress(OSError):
        return telling_line(errors.read_text(errors="replace")) or "it said nothing"
    return "it said nothing"
