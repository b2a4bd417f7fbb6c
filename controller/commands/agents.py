"""`plctl agents`: who is there, what each can still take, and how well its clock is known."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from plctl.common.base.units import NS_PER_S, format_duration, format_size, three_digits
from plctl.common.cli.terminal import echo, warn
from plctl.common.client.options import Reach, controller_options

if TYPE_CHECKING:
    from plctl.common.protocol.requests import AgentInfo, Agents

_NUMBERS = ("links", "memory\nfree", "packets/s\nfree")
_HEADERS = ("agent", "state", "version", *_NUMBERS, "clock\noffset ± bound")


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document; times in nanoseconds, sizes in bytes.")
@controller_options()
def agents(reach: Reach, as_json: bool) -> None:
    """Show the controller's agents.

    The offset is what to add to the agent's monotonic clock for the controller's; the bound says how far from the truth
    that may be. Links are those of runs that go on.

    \b
    Examples:
      plctl agents
      plctl agents --json | jq '.agents[] | select(.bound_ns > 500000) | .name'
    """
    from plctl.common.protocol import requests as rq
    from plctl.common.protocol.wire import to_plain

    found = reach.ask(lambda client: client.ask(rq.ListAgents(), rq.Agents))
    if as_json:
        rows = [to_plain(agent) | {"refused": found.refused.get(agent.name, {})} for agent in found.agents]
        echo(json.dumps({"agents": rows, "controller": found.controller, "version": found.version}, indent=1))
    elif found.agents:
        _print(found)
    else:
        echo(f"no agent is connected to {found.controller}; start one: plctl agent --controller tcp://HOST:PORT")


def _print(found: Agents) -> None:
    from rich.text import Text

    from plctl.controller.view.screen import stdout_screen
    from plctl.controller.view.tables import print_table

    console = stdout_screen()
    for name, counts in found.refused.items():
        told = ", ".join(f"{count} {why.replace('_', ' ')}" for why, count in counts.items())
        warn(f"of {name} was refused: {told}")
    if not console.is_terminal:
        rows = [(*_row(agent), agent.clock_source) for agent in found.agents]
        print_table(console, (*_HEADERS, "source"), rows, right=_NUMBERS)
        return
    print_table(console, _HEADERS, [_row(agent) for agent in found.agents], right=_NUMBERS)
    for source in dict.fromkeys(agent.clock_source for agent in found.agents):
        names = ", ".join(agent.name for agent in found.agents if agent.clock_source == source)
        console.print(Text(f"clock of {names}: {source}", style="dim"))


def _row(agent: AgentInfo) -> tuple[str, ...]:
    known = agent.bound_ns >= 0
    return (
        agent.name,
        "connected" if agent.connected else f"silent for {format_duration(agent.silent_ns // NS_PER_S * NS_PER_S)}",
        agent.version,
        str(agent.links),
        format_size(agent.memory_bytes),
        str(max(0, agent.packets_per_s - agent.packets_per_s_taken)),
        f"{_signed(agent.offset_ns)} ± {format_duration(three_digits(agent.bound_ns, bound=True))}"
        if known
        else "not known",
    )


def _signed(ns: int) -> str:
    return f"{'−' if ns < 0 else '+'}{format_duration(abs(ns))}"
