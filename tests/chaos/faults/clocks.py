"""Faults of the wall clock: stepped, or too fast, as the controller or an agent and its workloads read it.

The kernel has no wall clock for a namespace alone, and that of the machine is everybody's. So a shim (programs/wall.c)
stands before the library's functions that read it, in the processes of one host, and before those that hand over the
kernel's receive stamps. The forwarder is left out: its frames bear stamps that the kernel writes into memory. What it
does when the clock is set has tests of its own (tests/model/test_wall.py).
"""

from __future__ import annotations

from typing import ClassVar

from chaos.cluster import WALL
from chaos.faults.fault import NONE, Fault

_S = 10**9
_RIGHT = (0, 0, 0)


class _Wall(Fault):
    """No instant that matters is one of the wall clock's, so nothing comes of it."""

    where, lengths_ms, before_t0, running = "controller", (500, 5000), NONE, NONE
    _shift: tuple[int, int, int] = _RIGHT

    def shift(self, step_ns: int, ppb: int) -> None:
        """Let the wall clock on the host read `step_ns` more, and run too fast from now on."""
        now_ns = self.cluster.monotonic_ns(self.host)
        before, self._shift = self._shift, (step_ns, ppb, now_ns)
        with self.cluster.wall_file(self.host).open("r+b", buffering=0) as file:  # mapped: it must not get shorter
            file.write(WALL.pack(*before, *self._shift, now_ns))

    def undo(self) -> None:
        """It is set right, by another step."""
        self.shift(0, 0)


class SteppedWall(_Wall):
    name = "stepped wall clock"

    def inject(self) -> bool:
        """By seconds, or by days; forward or back."""
        step_ns = self.dice.choice((-1, 1)) * self.dice.choice((1, 60, 3600, 86400 * 20)) * _S
        self.what = f"by {step_ns // _S} s"
        self.shift(step_ns, 0)
        return True


class DriftingWall(_Wall):
    name = "drifting wall clock"
    rates_ppb: ClassVar[tuple[int, ...]] = (10**6, 10**8, 3 * 10**8)

    def inject(self) -> bool:
        """Up to a third too fast or too slow."""
        ppb = self.dice.choice((-1, 1)) * self.dice.choice(self.rates_ppb)
        self.what = f"by {ppb / 1e7:g} %"
        self.shift(0, ppb)
        return True


class SteppedAgentWall(SteppedWall):
    name, where = "stepped agent clock", "agent"


class DriftingAgentWall(DriftingWall):
    """Up to what the kernel lets a clock be slewed by (a tenth).

    The self-check measures against the kernel's stamps of the wall clock, and says so if that cannot be trusted.
    """

    name, where, before_t0 = "drifting agent clock", "agent", frozenset({"failed"})
    rates_ppb = (5 * 10**5, 10**6, 10**8)


FAULTS = (SteppedWall, DriftingWall, SteppedAgentWall, DriftingAgentWall)
