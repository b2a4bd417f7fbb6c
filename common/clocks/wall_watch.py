"""Keeps at hand what this host's time daemon promises of its wall clock, so that a reading costs microseconds.

Asking chrony or PTP takes a process and some milliseconds, so it is done now and then, in a thread, once anybody wants
to know. In between a promise ages at the rate by which RFC 5905 (NTP) lets the error of a disciplined clock grow.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace

from plctl.common.base.clock import Clock
from plctl.common.base.units import NS_PER_S
from plctl.common.clocks.wall_promise import ClockDiscipline, WallReading
from plctl.common.clocks.wall_source import read_discipline, read_wall

#: PHI in RFC 5905, the frequency tolerance of a disciplined clock.
AGEING_PPM = 15
#: How often a daemon that promises something is asked, and one that does not.
ASK_NS = 8 * NS_PER_S
ASK_AGAIN_NS = 64 * NS_PER_S


class WallWatch:
    """Run `keep` in the background; `reading` then has the newest promise."""

    def __init__(
        self,
        clock: Clock,
        ask: Callable[[], ClockDiscipline | None] = read_discipline,
        read: Callable[[ClockDiscipline], WallReading] = read_wall,
    ) -> None:
        """`ask` may block, for some seconds; `read` may not."""
        self._clock = clock
        self._ask = ask
        self._read = read
        self._promised: WallReading | None = None
        self._wanted = asyncio.Event()

    async def keep(self) -> None:
        """Ask for ever, from the first `reading` on."""
        await self._wanted.wait()
        while True:
            self._promised = await asyncio.to_thread(self._look)
            pause_ns = ASK_NS if self._promised else ASK_AGAIN_NS
            await self._clock.sleep_until(self._clock.monotonic_ns() + pause_ns)

    def reading(self) -> WallReading | None:
        """The wall clock now; None if nothing promises how right it is, or if it was set since that was asked."""
        self._wanted.set()
        if self._promised is None:
            return None
        now, then = self._read(self._promised.discipline), self._promised
        stepped_ns = abs(now.wall_minus_monotonic_ns - then.wall_minus_monotonic_ns)
        if stepped_ns > now.sampling_ns + then.sampling_ns:
            self._promised = None
            return None
        aged_ns = -(-AGEING_PPM * (now.monotonic_ns - then.monotonic_ns) // 1_000_000)
        discipline = then.discipline
        return replace(now, discipline=replace(discipline, max_error_ns=discipline.max_error_ns + aged_ns))

    def _look(self) -> WallReading | None:
        discipline = self._ask()
        return self._read(discipline) if discipline else None
