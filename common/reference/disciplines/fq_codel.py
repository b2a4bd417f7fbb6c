"""FQ-CoDel, from the text of RFC 8290, section 4."""

from __future__ import annotations

from dataclasses import dataclass, field

from plctl.common.reference.disciplines.codel import CoDelController
from plctl.common.reference.disciplines.discipline import ADMITTED, QUEUE_FULL, Discipline, Surroundings, Waiting


@dataclass
class FlowQueue:
    """A queue of its own, with its credit in bytes."""

    controller: CoDelController = field(default_factory=CoDelController)
    credit: int = 0

    @property
    def line(self) -> list[Waiting]:
        """What waits."""
        return self.controller.line

    @property
    def backlog(self) -> int:
        """In bytes."""
        return sum(frame.length for frame in self.line)


class FQCoDel(Discipline):
    """Deficit round robin over flows; those that begin come before the others."""

    def __init__(self, surroundings: Surroundings) -> None:
        super().__init__(surroundings)
        self.p = surroundings.parameters
        self.flows = [FlowQueue() for _ in range(self.p["flows"])]
        self.new: list[FlowQueue] = []
        self.old: list[FlowQueue] = []

    def arrive(self, frame: Waiting, now: int) -> int:
        """Always admitted; if that was too much, the flow with most bytes loses frames from its head."""
        if not self.waiting() and not self.around.serving():
            for known in (*self.new, *self.old):  # the idle link has asked all of them in vain
                known.controller.find_empty()
            self.new, self.old = [], []
        flow = self.flows[frame.flow % len(self.flows)]
        flow.line.append(frame)
        if not any(flow is known for known in (*self.new, *self.old)):
            flow.credit = self.p["quantum"]
            self.new.append(flow)
        while self.waiting() and self._is_over():
            self._drop_from_fattest(now)
        return ADMITTED

    def _is_over(self) -> bool:
        """One frame there may be, whatever the limits."""
        everything = self.waiting()
        if len(everything) + (self.around.serving() > 0) <= 1:
            return False
        held = sum(frame.length for frame in everything)
        return held > self.p["memory_limit"] or not self.around.fits()

    def _drop_from_fattest(self, now: int) -> None:
        flow = max(self.flows, key=lambda flow: flow.backlog)
        half = flow.backlog // 2
        for _ in range(self.p["drop_batch"]):
            if flow.line and flow.backlog > half:
                self.drop(flow.line.pop(0), QUEUE_FULL, now)

    def next(self, now: int) -> Waiting:
        """Of the first flow that has credit and frames."""
        while True:
            flows = self.new or self.old
            flow = flows[0]
            if flow.credit <= 0:
                flow.credit += self.p["quantum"]
                self.old.append(flows.pop(0))
            elif flow.line:
                frame = flow.controller.next(self, now)
                flow.credit -= frame.length
                return frame
            else:
                flow.controller.find_empty()
                flows.pop(0)
                if flows is self.new:
                    self.old.append(flow)

    def probability(self) -> int:
        """1 in the dropping state of any flow that is known."""
        return 2**48 * any(flow.controller.dropping for flow in (*self.new, *self.old))

    def waiting(self) -> list[Waiting]:
        """All that wait."""
        return [frame for flow in self.flows for frame in flow.line]
