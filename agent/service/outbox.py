"""Keeps what an agent has reported until the controller has it: nothing acknowledged is lost, every gap is known.

Every report gets the next number of the agent's one stream. Only so much is sent ahead of the acknowledgements, so a
controller that comes back, or cannot keep up, is not flooded, and what it has not got yet stays here: in memory, and
telemetry beyond that on disk. When that is full too, the oldest telemetry is let go and counted; a gap takes its place.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass

from plctl.agent.service.spill import Spill, SpillRange
from plctl.common.protocol.messages import Envelope, Gap, Message, encode


@dataclass(frozen=True, slots=True)
class Limits:
    """How much an outbox sends ahead and keeps, in bytes of encoded messages."""

    ahead_bytes: int = 8 * 2**20  #: sent and not acknowledged; one message may always be
    ahead_reports: int = 16  #: likewise; a thousand agents do this to one controller
    memory_bytes: int = 8 * 2**20  #: from here on telemetry goes to disk
    crowded_bytes: int = 16 * 2**20  #: from here on whatever can wait elsewhere should
    disk_bytes: int = 2**30


@dataclass(slots=True)
class _Report:
    """A report that is not acknowledged yet."""

    number: int
    epoch: str
    data: bytes | SpillRange
    expendable: bool
    first: int = 0  #: of a gap: the first number that is gone; 0: this is a report

    @property
    def size(self) -> int:
        return self.data.size if isinstance(self.data, SpillRange) else len(self.data)


class Outbox:
    """The numbered stream of one agent. It says what to send, others send."""

    def __init__(self, limits: Limits | None = None, spill: Spill | None = None) -> None:
        self._limits = limits or Limits()
        self._spill = spill or Spill()
        self._sent: deque[_Report] = deque()  # and not acknowledged
        self._unsent: deque[_Report] = deque()
        self._next = 1
        self._memory_bytes = 0
        self._ahead_bytes = 0
        self._dropped: Counter[str] = Counter()

    @property
    def waiting(self) -> int:
        """Reports that are not acknowledged yet."""
        return len(self._sent) + len(self._unsent)

    @property
    def crowded(self) -> bool:
        """So much is in memory that whatever can wait elsewhere should."""
        return self._memory_bytes >= self._limits.crowded_bytes

    def put(self, make: Callable[[int], Message], epoch: str, *, expendable: bool = False) -> None:
        """Number and keep the report that `make(number)` builds for run `epoch`.

        :raises ProtocolError: it is too large to be sent.
        """
        data = encode(Envelope(make(self._next), epoch=epoch))
        report = _Report(self._next, epoch, data, expendable)
        self._next += 1
        if expendable and self._memory_bytes + len(data) > self._limits.memory_bytes:
            self._put_on_disk(report, data)
        if not isinstance(report.data, SpillRange):
            self._memory_bytes += len(data)
        self._unsent.append(report)

    def next(self) -> bytes | None:
        """The next report to send, now; None if there is none, or the controller has to acknowledge some before."""
        if not self._unsent or not self._may_send(self._unsent[0].size):
            return None
        report = self._unsent.popleft()
        try:
            data = self._spill.get(report.data) if isinstance(report.data, SpillRange) else report.data
        except OSError:  # the disk has lost what it had taken
            report = self._let_go(report, report.number)
            data = _gap(report.number, report.number)
        self._sent.append(report)
        self._ahead_bytes += report.size
        return data

    def acknowledge(self, number: int) -> None:
        """Everything up to `number` has arrived."""
        while self._sent and self._sent[0].number <= number:
            report = self._sent.popleft()
            self._ahead_bytes -= report.size
            self._forget(report)
        while self._unsent and self._unsent[0].number <= number:  # sent on a connection before
            self._forget(self._unsent.popleft())

    def rewind(self, acknowledged: int) -> None:
        """There is a new connection: whatever is not acknowledged is to be sent again, in order.

        What is not here any more, but not known to be acknowledged, was taken by a controller that is forgotten.
        """
        self._unsent.extendleft(reversed(self._sent))
        self._sent.clear()
        self._ahead_bytes = 0
        self.acknowledge(acknowledged)
        first = self._unsent[0].first or self._unsent[0].number if self._unsent else self._next
        if first > acknowledged + 1:
            gap = _gap(first - 1, acknowledged + 1, forgotten=True)
            self._unsent.appendleft(_Report(first - 1, "", gap, False, acknowledged + 1))

    def take_dropped(self) -> dict[str, int]:
        """How many reports of each run were let go since the last call."""
        dropped, self._dropped = dict(self._dropped), Counter()
        return dropped

    def close(self) -> None:
        """Give the disk back; twice is harmless."""
        self._spill.close()

    def _may_send(self, size: int) -> bool:
        if not self._sent:
            return True
        limits = self._limits
        return len(self._sent) < limits.ahead_reports and self._ahead_bytes + size <= limits.ahead_bytes

    def _put_on_disk(self, report: _Report, data: bytes) -> None:
        """Older telemetry makes room on disk, or where that does not take it, in memory."""
        while self._spill.size_bytes + len(data) > self._limits.disk_bytes and self._drop_oldest(on_disk=True):
            pass
        try:
            report.data = self._spill.put(data)
        except OSError:
            while self._memory_bytes + len(data) > self._limits.memory_bytes and self._drop_oldest(on_disk=False):
                pass

    def _drop_oldest(self, *, on_disk: bool) -> bool:
        """Let the oldest telemetry go that lies there and was not sent; False if there is none."""
        for at, report in enumerate(self._unsent):
            if report.expendable and isinstance(report.data, SpillRange) is on_disk:
                before = self._unsent[at - 1] if at else None
                if before and before.first:
                    self._forget(before)
                    self._unsent[at] = self._let_go(report, before.first)
                    del self._unsent[at - 1]
                else:
                    self._unsent[at] = self._let_go(report, report.number)
                return True
        return False

    def _let_go(self, report: _Report, first: int) -> _Report:
        """What stands in the place of `report`, and of what went before it from `first` on."""
        self._forget(report)
        self._dropped[report.epoch] += 1
        return _Report(report.number, report.epoch, _gap(report.number, first), False, first)

    def _forget(self, report: _Report) -> None:
        if isinstance(report.data, SpillRange):
            self._spill.drop(report.data)
        elif not report.first:  # gaps are few and small: they are not counted
            self._memory_bytes -= len(report.data)


def _gap(number: int, first: int, *, forgotten: bool = False) -> bytes:
    return encode(Envelope(Gap(number, first, forgotten)))
