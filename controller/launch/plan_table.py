"""Shows where the links of a run would go, and what that asks of each host."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from rich.console import Console

from plctl.common.base.units import format_size
from plctl.common.plan.run_request import RunRequest, check_hosts
from plctl.common.protocol.requests import AgentInfo, Assignment
from plctl.common.protocol.wire import to_plain
from plctl.controller.launch.local_agent import LOCAL_HOST
from plctl.controller.scheduling.placement import Need, need_of
from plctl.controller.view.tables import print_table


def place_locally(request: RunRequest) -> tuple[Assignment, ...]:
    """All links on this machine, with what they need.

    :raises InputError: the request names hosts that are not here.
    """
    check_hosts(request, [LOCAL_HOST])
    needs = ((link.plan.name, need_of(link.plan)) for link in request.links)
    return tuple(Assignment(name, LOCAL_HOST, need.memory_bytes, need.packets_per_s) for name, need in needs)


def show(console: Console, assignments: Sequence[Assignment], agents: Iterable[AgentInfo] = ()) -> None:
    """Print a line for each link, then one for each host with what it has free; `agents` may be empty."""
    links = [(each.link, each.host, format_size(each.memory_bytes), str(each.packets_per_s)) for each in assignments]
    print_table(console, ("link", "host", "memory", "packets/s"), links, right=("memory", "packets/s"))
    console.print()
    headers = ("host", "links", "memory", "of", "packets/s", "of free")
    print_table(console, headers, _hosts(assignments, {agent.name: agent for agent in agents}), headers[1:])


def document(assignments: Sequence[Assignment], warnings: Sequence[str] = (), run: str = "") -> dict[str, Any]:
    """The same for programs, and what a detached `plctl run` says; sizes in bytes."""
    return {"run": run, "assignments": to_plain(assignments), "warnings": list(warnings)}


def _hosts(assignments: Sequence[Assignment], agents: dict[str, AgentInfo]) -> Iterator[tuple[str, ...]]:
    for host in sorted({each.host for each in assignments}):
        mine = [each for each in assignments if each.host == host]
        need = sum((Need(each.memory_bytes, each.packets_per_s) for each in mine), Need())
        agent = agents.get(host)
        yield (
            host,
            str(len(mine)),
            format_size(need.memory_bytes),
            format_size(agent.memory_bytes) if agent else "–",
            str(need.packets_per_s),
            str(max(0, agent.packets_per_s - agent.packets_per_s_taken)) if agent else "–",
        )
