"""Many simulated agents in one process, each with a connection and a key of its own."""

from __future__ import annotations

import asyncio
import resource
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import zmq
import zmq.asyncio

from plctl.agent.service.daemon import Agent
from plctl.agent.simulated.site import SimulatedSite
from plctl.common.base.clock import RealClock
from plctl.common.base.errors import UserError
from plctl.common.security.keys import SpokeKeys, load_controller_public, load_pair
from plctl.common.transport.hub_and_spoke import ZmqSpoke

#: ZeroMQ sockets of an agent: its own, and the two ends of what watches that one's connections.
_SOCKETS = 3


def load_keys(folder: Path, names: Sequence[str]) -> dict[str, SpokeKeys]:
    """The keys of each of `names` in `folder`/NAME, as `plctl agent enroll` leaves them in KEYS/enrolled.

    :raises UserError: some are missing or are none.
    """
    if missing := [name for name in names if not (folder / name).is_dir()]:
        few = " ".join(missing[:3]) + (" …" if missing[3:] else "")
        raise UserError(
            f"{folder} has no keys for {len(missing)} of {len(names)} agents; make them on the controller's machine:"
            f" plctl agent enroll {few}; they are then in its folder enrolled"
        )
    return {name: SpokeKeys(load_pair(folder / name, "agent"), load_controller_public(folder / name)) for name in names}


class Simulation:
    """Agents that serve the controller at `address`, each with room for `links` links."""

    def __init__(
        self, address: str, keys: Mapping[str, SpokeKeys | None], links: int, tell: Callable[[str], None]
    ) -> None:
        """`keys` are by agent, None where the address needs none; `tell` hears why connections fail, once a cause."""
        self._address = address
        self._keys = keys
        self._links = links
        self._tell = tell
        self._told: set[str] = set()
        self._agents: list[Agent] = []

    def stop(self) -> None:
        """Let all agents leave soon; safe to call from a signal handler."""
        for agent in self._agents:
            agent.stop()

    async def serve(self) -> None:
        """Serve until all agents have left.

        :raises WorldError: the controller refuses one of them; then all leave.
        """
        with self._spokes() as spokes:
            for name, spoke in spokes.items():
                self._agents.append(Agent(name, spoke, RealClock(), SimulatedSite(self._links)))
            serving = [asyncio.create_task(agent.serve()) for agent in self._agents]
            await asyncio.wait(serving, return_when=asyncio.FIRST_EXCEPTION)
            self.stop()
            await asyncio.wait(serving)
            await asyncio.gather(*serving)  # all have left: raises what the first to fail did

    def _on_trouble(self, cause: str) -> None:
        if cause not in self._told:
            self._told.add(cause)
            self._tell(cause)

    @contextmanager
    def _spokes(self) -> Iterator[dict[str, ZmqSpoke]]:
        """A connection for each agent, over one ZeroMQ context: its threads are enough for all."""
        _raise_descriptors()
        context = zmq.asyncio.Context()
        context.set(zmq.MAX_SOCKETS, _SOCKETS * len(self._keys))
        spokes: dict[str, ZmqSpoke] = {}
        try:
            for name, keys in self._keys.items():
                spokes[name] = ZmqSpoke(self._address, name, keys, self._on_trouble, context=context)
            yield spokes
        finally:
            for spoke in spokes.values():
                spoke.close()
            context.term()


def _raise_descriptors() -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
