"""What a queueing discipline is asked: the fate of a frame that arrives, and which frame is served next."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from plctl.common.reference.draw import Words

ADMITTED, QUEUE_FULL, AQM = 0, 1, 2
NOT_ECT, CE = 0, 3


@dataclass(frozen=True)
class Surroundings:
    """What a queue may know of the direction that it belongs to."""

    has_room: Callable[[int], bool]  #: for so many bytes more; there always is for one frame
    fits: Callable[[], bool]  #: what waits and is served is within the capacity
    room_bytes: Callable[[], int]  #: the capacity; one in packets is of full-size frames
    serving: Callable[[], int]  #: bytes of the frame in service, or 0
    idle_since: Callable[[], int]  #: when the last service ended
    rate_at: Callable[[int], int]  #: bit/s at a virtual time; in an outage, of the last row before that was none
    t0: Callable[[], int]  #: when scenario time starts; beyond all times if that is not known
    draw: Callable[[int], Words]  #: random numbers for the frame of a number
    full_frame: int
    parameters: Mapping[str, int]


@dataclass(slots=True)
class Waiting:
    """A frame that is not in service yet."""

    number: int  #: of its arrival, from 0
    arrival: int
    length: int
    ecn: int = 0
    flow: int = 0


class Discipline(ABC):
    """A queue. Times never fall."""

    def __init__(self, surroundings: Surroundings) -> None:
        self.around = surroundings
        self.has_room = surroundings.has_room
        self.marked: set[int] = set()  #: numbers of the frames on which CE was set
        self.dropped: list[tuple[int, int, int]] = []  #: after they had been admitted: (number, verdict, when)

    @abstractmethod
    def arrive(self, frame: Waiting, now: int) -> int:
        """The verdict on a frame that arrives; if admitted, it waits."""

    @abstractmethod
    def next(self, now: int) -> Waiting | None:
        """The frame that is served from `now` on, which waits no more; None: what waited was dropped."""

    @abstractmethod
    def waiting(self) -> list[Waiting]:
        """All that wait."""

    def probability(self) -> int:
        """With which it drops or marks, in units of 2⁻⁴⁸; 0 where that does not apply."""
        return 0

    def average_bytes(self) -> int:
        """The average length of the queue by which it decides; 0 where it does not."""
        return 0

    def seen_at(self, now: int, *, ticks: bool) -> Discipline:  # noqa: ARG002 - of no account here
        """As it is at `now`, by its timers if it `ticks`: a copy, so that looking changes nothing."""
        return self

    def mark(self, frame: Waiting) -> bool:
        """Set CE, where the frame's ECN field allows it (RFC 3168, section 5); a frame with CE keeps it."""
        if frame.ecn not in (NOT_ECT, CE):
            self.marked.add(frame.number)
        return frame.ecn != NOT_ECT

    def drop(self, frame: Waiting, verdict: int, now: int) -> None:
        """Let go of a frame that was admitted."""
        self.dropped.append((frame.number, verdict, now))


class Line(Discipline):
    """A queue whose frames are served in the order of arrival."""

    def __init__(self, surroundings: Surroundings) -> None:
        super().__init__(surroundings)
        self.line: list[Waiting] = []

    def waiting(self) -> list[Waiting]:
        """All that wait."""
        return self.line

    def next(self, now: int) -> Waiting | None:  # noqa: ARG002 - of no account here
        """The oldest."""
        return self.line.pop(0)
