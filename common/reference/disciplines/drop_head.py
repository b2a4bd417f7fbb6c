"""Drop-head: where there is no room, the frames that have waited longest make it."""

from __future__ import annotations

from plctl.common.reference.disciplines.discipline import ADMITTED, QUEUE_FULL, Line, Waiting


class DropHead(Line):
    """The oldest frame is served first, or dropped first."""

    def arrive(self, frame: Waiting, now: int) -> int:
        """Admitted unless even an empty queue would have no room for it behind the frame in service."""
        while self.line and not self.has_room(frame.length):
            self.drop(self.line.pop(0), QUEUE_FULL, now)
        if not self.has_room(frame.length):
            return QUEUE_FULL
        self.line.append(frame)
        return ADMITTED
