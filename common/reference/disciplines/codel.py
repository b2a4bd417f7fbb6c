"""CoDel, from the text and the pseudocode of RFC 8289, sections 4 and 5."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from plctl.common.reference.disciplines.discipline import ADMITTED, AQM, QUEUE_FULL, Discipline, Surroundings, Waiting


@dataclass
class CoDelController:
    """The state of one queue that CoDel controls, and that queue."""

    line: list[Waiting] = field(default_factory=list)
    first_above: int | None = None  #: when the sojourn time will have been above the target for an interval
    dropping: bool = False
    drop_next: int = 0
    count: int = 0
    last_count: int = 0

    def next(self, discipline: Discipline, now: int) -> Waiting:
        """The frame that is served from `now` on; there is one."""
        p = discipline.around.parameters
        frame, late = self._take(discipline.around, now)
        if self.dropping:
            if not late:
                self.dropping = False
            while self.dropping and now >= self.drop_next:
                self.count += 1
                if p["ecn"] and discipline.mark(frame):
                    self.drop_next = control_law(self.drop_next, p["interval"], self.count)
                    break
                discipline.drop(frame, AQM, now)
                frame, late = self._take(discipline.around, now)
                if late:
                    self.drop_next = control_law(self.drop_next, p["interval"], self.count)
                else:
                    self.dropping = False
        elif late:
            if not (p["ecn"] and discipline.mark(frame)):
                discipline.drop(frame, AQM, now)
                frame, _ = self._take(discipline.around, now)
            self.dropping = True
            delta = self.count - self.last_count
            recently = now - self.drop_next < 16 * p["interval"]
            self.count = delta if delta > 1 and recently else 1
            self.drop_next = control_law(now, p["interval"], self.count)
            self.last_count = self.count
        if 0 <= p["ce_threshold"] < now - frame.arrival:
            discipline.mark(frame)
        return frame

    def find_empty(self) -> None:
        """It is asked for a frame, and has none: the pseudocode's dodequeue then leaves the dropping state."""
        self.first_above, self.dropping = None, False

    def _take(self, around: Surroundings, now: int) -> tuple[Waiting, bool]:
        """The oldest frame, and whether it may be dropped."""
        frame = self.line.pop(0)
        behind = sum(each.length for each in self.line)
        if now - frame.arrival < around.parameters["target"] or behind <= around.full_frame:
            self.first_above = None
        elif self.first_above is None:
            self.first_above = now + around.parameters["interval"]
        else:
            return frame, now >= self.first_above
        return frame, False


def control_law(t: int, interval: int, count: int) -> int:
    """t + interval / √count, in whole nanoseconds."""
    return t + math.isqrt(interval * interval // count)


class CoDel(Discipline):
    """One queue under one controller."""

    def __init__(self, surroundings: Surroundings) -> None:
        super().__init__(surroundings)
        self.controller = CoDelController()

    def arrive(self, frame: Waiting, now: int) -> int:  # noqa: ARG002 - of no account here
        """Admitted if there is room."""
        if not self.has_room(frame.length):
            return QUEUE_FULL
        self.controller.line.append(frame)
        return ADMITTED

    def next(self, now: int) -> Waiting:
        """As the controller has it."""
        return self.controller.next(self, now)

    def probability(self) -> int:
        """1 in the dropping state."""
        return 2**48 * self.controller.dropping

    def waiting(self) -> list[Waiting]:
        """All that wait."""
        return self.controller.line
