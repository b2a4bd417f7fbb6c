"""Faults of the wall clock: stepped, or too fast, as a daemon reads it.

The kernel has no wall clock for a namespace alone, and that of the machine is everybody's. So the library's functions
that read it are replaced (programs/wall.c), for the controller alone: an agent's self-check and its forwarder also read
stamps of the kernel's, which would move with the clock if the step were real.
"""

from __future__ import annotations

import struct

from chaos.faults.fault import NONE, Fault

_SHIFT = struct.Struct("=qqq")
_S = 10**9


class _Wall(Fault):
    """No instant that matters is one of the wall clock's, so nothing comes of it."""

    where, lengths_ms, before_t0, running = "controller", (500, 5000), NONE, NONE

    def shift(self, step_ns: int, ppb: int) -> None:
        """Let the wall clock on the host read `step_ns` more, and run too fast from now on."""
        now_ns = self.cluster.monotonic_ns(self.host)
        self.cluster.wall_file(self.host).write_bytes(_SHIFT.pack(step_ns, ppb, now_ns))

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

    def inject(self) -> bool:
        """Up to a third too fast or too slow."""
        ppb = self.dice.choice((-1, 1)) * self.dice.choice((10**6, 10**8, 3 * 10**8))
        self.what = f"by {ppb / 1e7:g} %"
        self.shift(0, ppb)
        return True


FAULTS = (SteppedWall, DriftingWall)
