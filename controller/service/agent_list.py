"""What the controller can say of its agents to whoever asks."""

from __future__ import annotations

from plctl.common import __version__
from plctl.common.base.clock import Clock
from plctl.common.protocol import requests as rq
from plctl.controller.hub.agent_hub import AgentHub
from plctl.controller.hub.presence import AgentRecord
from plctl.controller.scheduling.occupancy import Occupancy
from plctl.controller.scheduling.placement import Need


def list_agents(agent_hub: AgentHub, clock: Clock, occupancy: Occupancy) -> rq.Agents:
    """All agents by name, and what runs have taken of them."""
    now_ns = clock.monotonic_ns()
    found = (
        _info(name, agent, now_ns, occupancy.links_on(name), occupancy.taken(name))
        for name, agent in sorted(agent_hub.agents.items())
    )
    refused = {
        name: {str(why): count for why, count in sorted(counts.items())}
        for name, counts in sorted(agent_hub.refusals.by_name.items())
        if name in agent_hub.agents
    }
    return rq.Agents(tuple(found), agent_hub.name, __version__, refused)


def _info(name: str, record: AgentRecord, now_ns: int, runs: dict[str, int], taken: Need) -> rq.AgentInfo:
    status = record.status
    return rq.AgentInfo(
        name=name,
        address=record.peer.address,
        version=record.hello.version,
        connected=record.here,
        silent_ns=now_ns - record.received_ns,
        runs=tuple(runs),
        links=sum(runs.values()),
        memory_bytes=status.memory_bytes if status else 0,
        packets_per_s=record.hello.capacity.packets_per_s,
        packets_per_s_taken=taken.packets_per_s,
        offset_ns=status.offset_ns if status else 0,
        bound_ns=status.bound_ns if status else -1,
        clock_source=status.clock_source if status else "it has not said how it is yet",
        waiting=status.waiting if status else 0,
        facts=record.hello.facts,
    )
