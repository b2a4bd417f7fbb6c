"""`plctl agent`: serve a controller on this host."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable

import click

from plctl.common.privilege import require_root


@click.command(
    epilog="""\b
Examples:
  sudo plctl agent --controller ipc:///run/plctl/run-7f3a/control --name edge-1
"""
)
@click.option("--controller", "address", required=True, help="Where the controller listens, e.g. ipc:///run/…/control.")
@click.option("--name", default=os.uname().nodename.partition(".")[0], show_default=True, help="What to be called.")
@click.option("--leave-with-stdin", is_flag=True, help="Take everything away and end when standard input ends.")
def agent(address: str, name: str, leave_with_stdin: bool) -> None:
    """Serve a controller on this host: build its links, start them when told, report, and clean up."""
    require_root("plctl agent")
    asyncio.run(_serve(address, name, leave_with_stdin))


async def _serve(address: str, name: str, leave_with_stdin: bool) -> None:
    from plctl.agent.daemon import Agent
    from plctl.common.clock import RealClock
    from plctl.common.transport import ZmqSpoke

    spoke = ZmqSpoke(address, name)
    try:
        served = Agent(name, spoke, RealClock())
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, served.stop)
        if leave_with_stdin:
            loop.add_reader(sys.stdin.fileno(), _stop_at_end_of_stdin, served.stop)
        await served.serve()
    finally:
        spoke.close()


def _stop_at_end_of_stdin(stop: Callable[[], None]) -> None:
    """Whoever started this agent holds the other end of its standard input; when that goes, so does the agent."""
    if not os.read(sys.stdin.fileno(), 4096):
        asyncio.get_running_loop().remove_reader(sys.stdin.fileno())
        stop()
