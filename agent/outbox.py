"""Keeps what an agent has reported until the controller has it: nothing acknowledged is lost, every gap is known.

Every report gets the next number of the agent's one stream. What is not acknowledged is sent again after a reconnect.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from plctl.common.messages import Envelope, Message

#: Reports that may wait for an acknowledgement; beyond it the oldest telemetry goes, and its number stays a known gap.
MAX_WAITING = 20_000


class Outbox:
    """The numbered stream of one agent. Pure: it says what to send, others send."""

    def __init__(self, max_waiting: int = MAX_WAITING) -> None:
        self._waiting: deque[tuple[int, Envelope, bool]] = deque()
        self._next = 1
        self._max_waiting = max_waiting
        self.dropped = 0  #: reports that were let go unacknowledged

    @property
    def waiting(self) -> int:
        """Reports that are not acknowledged yet."""
        return len(self._waiting)

    def put(self, make: Callable[[int], Message], epoch: str, *, expendable: bool = False) -> Envelope:
        """Number and keep the report that `make(number)` builds for run `epoch`; the result is to be sent now."""
        number = self._next
        self._next += 1
        envelope = Envelope(make(number), epoch=epoch)
        self._waiting.append((number, envelope, expendable))
        if len(self._waiting) > self._max_waiting:
            self._drop_oldest_expendable()
        return envelope

    def acknowledge(self, number: int) -> None:
        """Everything up to `number` has arrived."""
        while self._waiting and self._waiting[0][0] <= number:
            self._waiting.popleft()

    def unacknowledged(self) -> list[Envelope]:
        """What to send again, in order, once the controller is back."""
        return [envelope for _, envelope, _ in self._waiting]

    def _drop_oldest_expendable(self) -> None:
        for i, (_, _, expendable) in enumerate(self._waiting):
            if expendable:
                del self._waiting[i]
                self.dropped += 1
                return
