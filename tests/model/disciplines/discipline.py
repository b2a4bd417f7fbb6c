"""What a queueing discipline is asked: the fate of a frame that arrives, and which frame is served next."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

ADMITTED, QUEUE_FULL = 0, 1


@dataclass(slots=True)
class Waiting:
    """A frame that is not in service yet."""

    number: int  #: of its arrival, from 0
    arrival: int
    length: int
    ecn: int = 0
    flow: int = 0


class Discipline(ABC):
    """A queue. Times never fall. `has_room` says whether so many bytes more have room, and always does of one frame."""

    def __init__(self, has_room: Callable[[int], bool]) -> None:
        self.has_room = has_room
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

    def drop(self, frame: Waiting, verdict: int, now: int) -> None:
        """Let go of a frame that was admitted."""
        self.dropped.append((frame.number, verdict, now))


class Line(Discipline):
    """A queue whose frames are served in the order of arrival."""

    def __init__(self, has_room: Callable[[int], bool]) -> None:
        super().__init__(has_room)
        self.line: list[Waiting] = []

    def waiting(self) -> list[Waiting]:
        """All that wait."""
        return self.line

    def next(self, now: int) -> Waiting | None:  # noqa: ARG002 - of no account here
        """The oldest."""
        return self.line.pop(0)
