"""What is known of an agent, and what can change about whether it is here: what runs are told besides messages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from plctl.common.protocol import messages as m
from plctl.common.protocol import presence as ps
from plctl.common.transport.hub_and_spoke import Peer

#: `silent`: no message comes from it now, but it may go on with what it holds; `gone`: so is all that it held.
Presence = Literal["here", "silent", "gone"]


@dataclass(frozen=True, slots=True)
class AgentLost:
    """An agent is gone, and what it held with it; why."""

    cause: str


@dataclass(frozen=True, slots=True)
class AgentSilent:
    """No message comes from an agent now; why."""

    cause: str


@dataclass(frozen=True, slots=True)
class AgentReturned:
    """Messages come from an agent again, over a new connection or after silence; commands may not have reached it."""


@dataclass(frozen=True, slots=True)
class ReportsForgotten:
    """Reports of an agent were acknowledged once, and are not known here any more; in words."""

    cause: str


PresenceChange = AgentLost | AgentSilent | AgentReturned | ReportsForgotten


@dataclass(slots=True)
class AgentRecord:
    """What is known of an agent, whether it is here or not."""

    hello: m.Hello
    peer: Peer  #: the connection that said hello last; no other speaks for the agent
    received_ns: int
    acknowledged: int = 0  #: last number of its stream that was handled
    missing: int = 0  #: numbers that never came
    status: ps.Status | None = None  #: the last; None until the first
    presence: Presence = "here"
    messages: int = 0  #: that came over its connection
    replaced: str = ""  #: route of the agent of this name that was here before and did not answer

    @property
    def here(self) -> bool:
        """Whether messages come from it."""
        return self.presence == "here"
