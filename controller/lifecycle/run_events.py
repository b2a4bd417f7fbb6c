"""What can happen to a run, and what is then to be done: the words that a run's machine takes and gives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from plctl.common.base.errors import ProtocolError
from plctl.common.protocol import messages as m
from plctl.common.protocol.wire import from_plain, pack, to_plain, unpack


class RunPhase(StrEnum):
    """Where a run is."""

    QUEUED = "queued"  #: it waits for hosts; the machine knows nothing of it yet
    NEW = "new"
    PREPARING = "preparing"
    ARMING = "arming"
    COMMITTED = "committed"
    RUNNING = "running"
    STOPPING = "stopping"
    RELEASING = "releasing"
    DONE = "done"


# --- events ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Begin:
    """The run may begin."""


@dataclass(frozen=True, slots=True)
class Answered:
    """An agent answered or reported."""

    host: str
    message: m.Prepared | m.Armed | m.NotArmed | m.Started | m.Finished | m.Released | m.Refused


@dataclass(frozen=True, slots=True)
class Lost:
    """An agent is gone and what it held with it."""

    host: str
    cause: str


@dataclass(frozen=True, slots=True)
class Distrusted:
    """An agent reported what it must not: nothing of what it says of this run is believed any more."""

    host: str
    cause: str


@dataclass(frozen=True, slots=True)
class Forgotten:
    """Reports of an agent are missing that were acknowledged once: what the run has of it is not whole."""

    host: str
    cause: str


@dataclass(frozen=True, slots=True)
class LinkFailed:
    """Something of a link has failed while the run goes on; what exactly, its agent says in the end."""

    host: str
    link: str
    cause: str


@dataclass(frozen=True, slots=True)
class Silent:
    """An agent cannot be heard; whether it goes on with what it holds is not known."""

    host: str
    cause: str


@dataclass(frozen=True, slots=True)
class Returned:
    """An agent is heard again, with all that it held."""

    host: str


@dataclass(frozen=True, slots=True)
class Unreached:
    """A command could not be sent. It is sent again when the agent returns."""

    host: str
    cause: str


@dataclass(frozen=True, slots=True)
class CancelRequested:
    """Somebody wants the run to end; or the `disk` takes no results any more, and its links have failed by that."""

    cause: str
    disk: bool = False


@dataclass(frozen=True, slots=True)
class TimedOut:
    """The time that was given for a phase (a `RunPhase`) is over; for one agent alone if it names a host."""

    phase: str
    host: str = ""


@dataclass(frozen=True, slots=True)
class Resumed:
    """The controller was started again, on the same clock: agents come back within moments."""

    cause: str


@dataclass(frozen=True, slots=True)
class Interrupted:
    """The controller was started again and its clock is another one: what was going on cannot be gone on with."""

    cause: str


Event = (
    Begin | Answered | Lost | Distrusted | Forgotten | LinkFailed | Silent | Returned | Unreached | CancelRequested
    | TimedOut | Resumed | Interrupted
)  # fmt: skip

# --- instructions ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SendCommand:
    """Send a command to the agent of `host`; it is void after `expires_ns`."""

    host: str
    message: m.Prepare | m.Arm | m.Commit | m.Stop | m.Release
    expires_ns: int = 0


@dataclass(frozen=True, slots=True)
class SetTimer:
    """Come back with `TimedOut(phase, host)` at `at_ns` (controller's monotonic clock)."""

    phase: RunPhase
    at_ns: int
    host: str = ""


@dataclass(frozen=True, slots=True)
class Note:
    """Write an event into the run's log."""

    event: str
    host: str = ""
    link: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)


Instruction = SendCommand | SetTimer | Note

# --- on disk --------------------------------------------------------------------------------------------------------

_ANSWERS: dict[str, type[Any]] = {
    kind.__name__: kind for kind in (m.Prepared, m.Armed, m.NotArmed, m.Started, m.Finished, m.Released, m.Refused)
}
_EVENTS: dict[str, type[Any]] = {
    kind.__name__: kind
    for kind in (
        Begin,
        Lost,
        Distrusted,
        Forgotten,
        LinkFailed,
        Silent,
        Returned,
        Unreached,
        CancelRequested,
        TimedOut,
        Resumed,
        Interrupted,
    )
}


def dump(event: Event) -> tuple[str, bytes]:
    """`event` as a word and the bytes that `load` understands with it."""
    if isinstance(event, Answered):
        return type(event.message).__name__, pack({"host": event.host, "message": to_plain(event.message)})
    return type(event).__name__, pack(to_plain(event))


def load(kind: str, data: bytes) -> Event:
    """The event that `dump` made `kind` and `data` of.

    :raises ProtocolError: it made something else.
    """
    plain = unpack(data)
    if answer := _ANSWERS.get(kind):
        if not isinstance(plain, dict):
            raise ProtocolError(f"{kind} is no map")
        return Answered(str(plain["host"]), from_plain(answer, plain["message"], kind))
    if event := _EVENTS.get(kind):
        found: Event = from_plain(event, plain, kind)
        return found
    raise ProtocolError(f"{kind!r:.80} is no event of a run")
