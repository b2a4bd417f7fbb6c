"""What the protocol's shell (daemon.py) and the place where an agent's runs happen ask of each other.

A site is a real host (run/host_site.py), or one whose telemetry is synthetic (simulated/site.py).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol

from plctl.agent.service.clock_keeper import ClockKeeper
from plctl.common.base.clock import Clock
from plctl.common.protocol import messages as m


@dataclass(frozen=True, slots=True)
class AgentServices:
    """What the runs of one agent need of its shell."""

    name: str  #: the agent's
    clock: Clock
    keeper: ClockKeeper  #: of the controller's clock
    report: Callable[[Callable[[int], m.Message], str, bool], Awaitable[None]]  #: (make, epoch, expendable)
    reply: Callable[[int, m.Message, str], Awaitable[None]]  #: (command, answer, epoch)
    crowded: Callable[[], bool]  #: so much waits for the controller that large reports should not be made now
    room: Callable[[], Awaitable[None]]  #: returns once they may be


class Run(Protocol):
    """One run, from PREPARE to RELEASED."""

    async def carry(self) -> None:
        """Carry it from PREPARE until nothing of it is left."""

    async def command(self, envelope: m.Envelope) -> None:
        """Obey a command of this run, or refuse it by name."""

    async def abandon(self, cause: str) -> None:
        """The agent leaves: take everything of the run away without being told; `cause` is for what is still asked."""


#: Makes a run of its PREPARE and of the id of that.
MakeRun = Callable[[m.Prepare, int], Run]


class Site(Protocol):
    """Where runs happen."""

    simulated: bool  #: nothing is built, and telemetry is synthetic

    def open(self, services: AgentServices) -> AbstractAsyncContextManager[MakeRun]:
        """Be ready for runs within the block; afterwards everything that was made is gone."""

    def take_lost(self) -> dict[str, tuple[str, ...]]:
        """The links, by run, that this host had before it was started again; nothing the second time."""

    def show(self, *, serving: bool, runs: tuple[str, ...]) -> None:
        """Let the host know whether the controller has welcomed the agent, and which runs it has not released."""

    async def tend(self) -> None:
        """Do what is to be done beside the runs, for as long as the site is open."""

    def facts(self) -> dict[str, str]:
        """About the host, for HELLO."""

    def capacity(self) -> m.HostCapacity:
        """What links may take in all."""

    def free_bytes(self) -> int:
        """Memory that the frames of further links may take."""
