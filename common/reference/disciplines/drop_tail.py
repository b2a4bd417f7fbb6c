"""Drop-tail: a frame that finds no room is dropped."""

from __future__ import annotations

from plctl.common.reference.disciplines.discipline import ADMITTED, QUEUE_FULL, Line, Waiting


class DropTail(Line):
    """The oldest frame is served first."""

    def arrive(self, frame: Waiting, now: int) -> int:  # noqa: ARG002 - of no account here
        """Admitted if there is room."""
        if not self.has_room(frame.length):
            return QUEUE_FULL
        self.line.append(frame)
        return ADMITTED
