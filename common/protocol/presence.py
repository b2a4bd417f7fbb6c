"""How an agent and its controller stay in touch between commands: life signs, and readings of each other's clock."""

from __future__ import annotations

from dataclasses import dataclass

from plctl.common.clocks.wall_promise import WallReading


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """The controller lives, when it has nothing else to say; or asks whether the agent does."""

    answer: bool = False  #: answer at once with `Status`
    notice: str = ""  #: what the agent's owner should know, as a sentence


@dataclass(frozen=True, slots=True)
class Status:
    """The agent's sign of life, every second, and how it is."""

    offset_ns: int  #: controller's clock − agent's, the likeliest
    bound_ns: int  #: of the offset's error; −1: the offset is not known
    clock_source: str  #: who says so, or why it is not known
    round_trip_ns: int  #: the longest of the last few exchanges of clock readings; −1: there were none
    waiting: int  #: reports that are not acknowledged yet
    memory_bytes: int  #: that the frames of further links may take


@dataclass(frozen=True, slots=True)
class ClockQuery:
    """The agent asks for the controller's clock. Answered at once by `ClockReply`."""

    t1_ns: int  #: the agent's monotonic clock just before this was sent


@dataclass(frozen=True, slots=True)
class ClockReply:
    """The controller's clock; the agent reads its own when this arrives (t4) and has an exchange."""

    t1_ns: int  #: as in the query
    t2_ns: int  #: the controller's monotonic clock just after the query came
    t3_ns: int  #: the same just before this was sent
    unsettled: str = ""  #: what disturbed the controller's clock lately; until this is empty, no offset holds
    wall: WallReading | None = None  #: the controller's wall clock, if something there promises how right it is
