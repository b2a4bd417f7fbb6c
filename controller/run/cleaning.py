"""Gets hosts to take away what they may still have of runs that are over, however long it takes them to come back."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from contextlib import suppress

from plctl.common.base.background import by_itself
from plctl.common.base.errors import WorldError
from plctl.common.protocol import messages as m
from plctl.controller.hub.agent_hub import AgentHub
from plctl.controller.hub.presence import AgentLost, AgentReturned, PresenceChange
from plctl.controller.run.session import new_first_command

#: How long `clean` waits for hosts that are here.
CLEAN_SECONDS = 60.0
#: So many runs of one host that nobody knows, and ids of so many characters, are heeded: an agent may lie.
MAX_UNKNOWN, MAX_RUN_ID = 100, 200


class Cleaner:
    """Tells hosts to release runs that are over; what is still to be released is in the journal."""

    def __init__(self, agent_hub: AgentHub) -> None:
        self._agent_hub = agent_hub
        self._cleanups: dict[str, _Cleanup] = {}
        self._tasks: asyncio.TaskGroup
        for run, host in agent_hub.journal.owed():
            self._cleanup_of(run).hosts.add(host)
        for cleanup in self._cleanups.values():
            self._listen(cleanup)

    def begin(self, tasks: asyncio.TaskGroup) -> None:
        """Tell hosts in `tasks`; what is under way when these end is in the journal."""
        self._tasks = tasks

    def owe(self, run: str, hosts: Iterable[str]) -> None:
        """Let `hosts` release `run`: now if they are here, else when they come back."""
        owed = set(hosts)
        if not owed:
            return
        cleanup = self._cleanup_of(run)
        for host in owed:
            cleanup.hosts.add(host)
            self._agent_hub.journal.owe(run, host)
        self._listen(cleanup)
        for host in list(cleanup.hosts):
            self._send_soon(cleanup, host)

    def owe_unknown(self, run: str, host: str) -> None:
        """Let `host` release a run that nobody here knows: a journal was lost or moved away, its agents were not."""
        cleanup = self._cleanups.get(run)
        held = sum(host in cleanup.hosts for cleanup in self._cleanups.values())
        if not (cleanup and host in cleanup.hosts) and held < MAX_UNKNOWN and len(run) <= MAX_RUN_ID:
            self.owe(run, [host])

    async def clean(self, run: str) -> tuple[list[str], list[str]]:
        """Let every host that is here release `run`, known or not; the hosts that have, and what the others said.

        Whoever does not answer in time is left to answer later.
        """
        here = [name for name, agent in self._agent_hub.agents.items() if agent.here]
        cleanup = self._cleanup_of(run)
        cleanup.refused.clear()
        cleanup.command = new_first_command()  # a host that could not before is to try again
        self.owe(run, here)
        waiting = asyncio.ensure_future(cleanup.until_settled({*here}))
        await asyncio.wait({waiting}, timeout=CLEAN_SECONDS)
        if not waiting.done():
            waiting.cancel()
            await asyncio.gather(waiting, return_exceptions=True)
        late = [f"{host} has not answered in time" for host in here if host in cleanup.waiting()]
        return [host for host in here if host not in cleanup.hosts], [
            *(f"{host}: {cause}" for host, cause in cleanup.refused.items()),
            *late,
        ]

    def _cleanup_of(self, run: str) -> _Cleanup:
        return self._cleanups.setdefault(run, _Cleanup(run))

    def _listen(self, cleanup: _Cleanup) -> None:
        if cleanup.hosts:
            self._agent_hub.listen(cleanup.run, cleanup.hosts, lambda *message: self._on_message(cleanup, *message))

    def _on_message(self, cleanup: _Cleanup, host: str, message: m.Message | PresenceChange, reply_to: int) -> None:
        match message:
            case AgentReturned():
                self._send_soon(cleanup, host)
            case AgentLost():  # the host's agent took everything away, or its successor did when it started
                self._settle(cleanup, host)
            case m.Released() if reply_to == cleanup.command:
                self._settle(cleanup, host)
            case m.Refused(cause) if reply_to == cleanup.command:  # it tries again by itself, and says once it could
                cleanup.refused[host] = cause
                cleanup.changed.set()

    def _settle(self, cleanup: _Cleanup, host: str) -> None:
        cleanup.hosts.discard(host)
        cleanup.refused.pop(host, None)
        cleanup.changed.set()
        self._agent_hub.journal.settle(cleanup.run, host)
        if not cleanup.hosts:
            self._agent_hub.forget(cleanup.run)
            self._cleanups.pop(cleanup.run, None)

    def _send_soon(self, cleanup: _Cleanup, host: str) -> None:
        self._tasks.create_task(by_itself(self._send(cleanup, host), f"telling {host} to release {cleanup.run}"))

    async def _send(self, cleanup: _Cleanup, host: str) -> None:
        with suppress(WorldError):  # it will be told when it comes back
            await self._agent_hub.send_command(host, m.Release(), cleanup.run, cleanup.command)


class _Cleanup:
    """A run that some hosts still have to release."""

    def __init__(self, run: str) -> None:
        self.run = run
        self.command = new_first_command()  #: the same to each host, however often it is sent
        self.hosts: set[str] = set()
        self.refused: dict[str, str] = {}  #: why a host could not
        self.changed = asyncio.Event()

    def waiting(self) -> set[str]:
        """Those that have not answered yet."""
        return self.hosts - self.refused.keys()

    async def until_settled(self, hosts: set[str]) -> None:
        """Return once each of `hosts` has answered."""
        while self.waiting() & hosts:
            self.changed.clear()
            await self.changed.wait()
