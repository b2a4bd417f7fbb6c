"""Gets hosts to take away what they may still have of runs that are over, however long it takes them to come back."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from contextlib import suppress

from plctl.common.base.errors import WorldError
from plctl.common.protocol import messages as m
from plctl.controller.hub.agent_hub import Lost, Returned, Sign, Switchboard
from plctl.controller.run.session import new_first_command

#: How long `clean` waits for hosts that are here.
CLEAN_SECONDS = 60.0


class Cleaner:
    """Tells hosts to release runs that are over; what is owed is in the journal until it is settled."""

    def __init__(self, board: Switchboard) -> None:
        self._board = board
        self._chores: dict[str, _Chore] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        for run, host in board.journal.owed():
            self._chore(run).hosts.add(host)
        for chore in self._chores.values():
            self._listen(chore)

    def owe(self, run: str, hosts: Iterable[str]) -> None:
        """Let `hosts` release `run`: now if they are here, else when they come back."""
        chore = self._chore(run)
        for host in hosts:
            chore.hosts.add(host)
            self._board.journal.owe(run, host)
        self._listen(chore)
        for host in list(chore.hosts):
            self._tell(chore, host)

    async def clean(self, run: str) -> tuple[list[str], list[str]]:
        """Let every host that is here release `run`, known or not; the hosts that have, and what the others said.

        Whoever does not answer in time is left to answer later.
        """
        here = [name for name, agent in self._board.agents.items() if agent.here]
        chore = self._chore(run)
        chore.refused.clear()
        chore.command = new_first_command()  # a host that could not before is to try again
        self.owe(run, here)
        waiting = asyncio.ensure_future(chore.until_settled({*here}))
        await asyncio.wait({waiting}, timeout=CLEAN_SECONDS)
        if not waiting.done():
            waiting.cancel()
            await asyncio.gather(waiting, return_exceptions=True)
        late = [f"{host} has not answered in time" for host in here if host in chore.hosts]
        return [host for host in here if host not in chore.hosts and host not in chore.refused], [
            *(f"{host}: {cause}" for host, cause in chore.refused.items()),
            *late,
        ]

    async def close(self) -> None:
        """Abandon what is under way; it is in the journal."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _chore(self, run: str) -> _Chore:
        return self._chores.setdefault(run, _Chore(run))

    def _listen(self, chore: _Chore) -> None:
        if chore.hosts:
            self._board.listen(chore.run, chore.hosts, lambda *heard: self._hear(chore, *heard))

    def _hear(self, chore: _Chore, host: str, message: m.Message | Sign, reply_to: int) -> None:
        match message:
            case Returned():
                self._tell(chore, host)
            case Lost():  # the host's agent took everything away, or its successor did when it started
                self._settle(chore, host)
            case m.Released() if reply_to == chore.command:
                self._settle(chore, host)
            case m.Refused(cause) if reply_to == chore.command:
                chore.refused[host] = cause
                self._settle(chore, host)

    def _settle(self, chore: _Chore, host: str) -> None:
        chore.hosts.discard(host)
        chore.changed.set()
        self._board.journal.settle(chore.run, host)
        if not chore.hosts:
            self._board.forget(chore.run)
            self._chores.pop(chore.run, None)

    def _tell(self, chore: _Chore, host: str) -> None:
        task = asyncio.create_task(self._say(chore, host))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _say(self, chore: _Chore, host: str) -> None:
        with suppress(WorldError):  # it will be told when it comes back
            await self._board.tell(host, m.Release(), chore.run, chore.command)


class _Chore:
    """A run that some hosts still have to release."""

    def __init__(self, run: str) -> None:
        self.run = run
        self.command = new_first_command()  #: the same to each host, however often it is sent
        self.hosts: set[str] = set()
        self.refused: dict[str, str] = {}  #: why a host could not
        self.changed = asyncio.Event()

    async def until_settled(self, hosts: set[str]) -> None:
        """Return once none of `hosts` is left."""
        while self.hosts & hosts:
            self.changed.clear()
            await self.changed.wait()
