from collections.abc import Sequence
from typing import Literal, final

from plctl.agent.native import NativeRow

@final
class Half:
    """One direction of an emulated link in virtual time (half.h), with the caller as its clock; for tests.

    Times are integer nanoseconds from 0 to 2**63 - 2. A time before virtual now counts as now. Arguments out of range
    raise ValueError, of the wrong type TypeError; the message names the argument and says what is legal.
    """

    def __new__(
        cls,
        *,
        rows: Sequence[NativeRow],
        routes: int,
        period_ns: int,
        capacity_unit: Literal["bytes", "packets", "bdp"],
        capacity_amount: int,
        full_frame: int,
        reconfiguration_ns: int,
        reconfiguration_mode: Literal["gsl", "all"],
    ) -> Half: ...
    def arm(self, t0: int, /) -> None:
        """Start scenario time at `t0`; ValueError if that is past or scenario time has started."""
    def advance(self, now: int, /) -> None:
        """Bring virtual time to `now`."""
    def arrive(self, at: int, length: int, /) -> tuple[int, int]:
        """A frame of `length` bytes arrives: (verdict, arrival as modelled). Verdicts: 0 admitted, 1 queue full."""
    def pop(self, now: int, /) -> list[tuple[int, int, int, int, int]]:
        """Advance to `now`, then all frames due by then: (number of its arrival from 0, arrival, start, end, due)."""
    def next_due(self) -> int:
        """A time before which nothing becomes due; 2**63 - 1 if nothing is inside."""
    def now(self) -> int:
        """Virtual time."""
    def gauges(self) -> tuple[int, int, int, int]:
        """(Backlog in bytes, backlog in packets, packets in flight, index of the row in force)."""
