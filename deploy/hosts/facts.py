"""What is known of a host before anything is changed, and what it should become: plain values for the planner."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from plctl.common.base.errors import ProtocolError, WorldError
from plctl.common.protocol.wire import from_plain


@dataclass(frozen=True, slots=True)
class AgentFacts:
    """An agent that lives there, as `plctl agent status` has it."""

    name: str
    pid: int
    version: str
    serving: bool
    runs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Found:
    """A host as `on_host.look.inspect` saw it."""

    os: str
    kernel: str  #: release
    libc: str
    root: bool
    systemd: bool
    free_bytes: int  #: where /opt lies
    clock: str  #: who keeps the wall clock; empty: nobody known
    open_files: int  #: hard limit, -1: none
    locked_memory: int  #: bytes, hard limit, -1: none
    bundles: tuple[str, ...]  #: whole ones
    broken: tuple[str, ...]  #: that are not whole
    current: str  #: bundle; empty: none
    key_public: str  #: Z85, of the agent's key; empty: none
    key_name: str
    controller_public: str
    unit: str  #: text; empty: none
    strangers: tuple[str, ...]  #: files in our places that deploy did not put there
    enabled: bool
    active: str  #: systemd's ActiveState
    agents: tuple[AgentFacts, ...]

    @property
    def runs(self) -> tuple[str, ...]:
        """Runs that go on there."""
        return tuple(run for agent in self.agents for run in agent.runs)


@dataclass(frozen=True, slots=True)
class Wanted:
    """A host as it should be."""

    name: str  #: of the agent
    bundle: str
    version: str  #: of plctl, in it
    size_bytes: int  #: of the bundle, unpacked
    unit: str
    controller_public: str
    allowed_public: str  #: the key by which the controller lets an agent of this name in; empty: none
    rotate_keys: bool = False
    wait: bool = False  #: for the end of runs


def read_found(plain: Any) -> Found:
    """The facts in a host's answer.

    :raises WorldError: it is none.
    """
    try:
        return from_plain(Found, plain, "facts")
    except ProtocolError as error:
        raise WorldError(f"the host's facts make no sense: {error}") from None
