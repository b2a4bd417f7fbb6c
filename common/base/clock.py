"""The clock as something that is handed in, so that everything about time can be tested without waiting for it."""

from __future__ import annotations

import asyncio
import heapq
import time
from collections.abc import Coroutine
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, Protocol

from plctl.common.base.units import NS_PER_S

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Clock(Protocol):
    """What plctl asks of time. Every instant is CLOCK_MONOTONIC in nanoseconds unless its name says wall."""

    def monotonic_ns(self) -> int:
        """Now, in nanoseconds since an arbitrary instant; never steps."""

    def wall_ns(self) -> int:
        """Now, in nanoseconds since 1970 UTC; may step, so only for people to read."""

    async def sleep_until(self, instant_ns: int) -> None:
        """Return once `monotonic_ns()` has reached `instant_ns`."""


class RealClock:
    """The machine's clocks."""

    def monotonic_ns(self) -> int:
        return time.monotonic_ns()

    def wall_ns(self) -> int:
        return time.time_ns()

    async def sleep_until(self, instant_ns: int) -> None:
        while (left := instant_ns - self.monotonic_ns()) > 0:
            await asyncio.sleep(left / NS_PER_S)


class FakeClock:
    """A clock that stands still until a test moves it with `advance`."""

    def __init__(self, start_ns: int = 1_000 * NS_PER_S, wall_ns: int = 1_700_000_000 * NS_PER_S) -> None:
        self._now = start_ns
        self._wall_minus_monotonic = wall_ns - start_ns
        self._sleepers: list[tuple[int, int, asyncio.Future[None]]] = []

    def monotonic_ns(self) -> int:
        return self._now

    def wall_ns(self) -> int:
        return self._now + self._wall_minus_monotonic

    async def sleep_until(self, instant_ns: int) -> None:
        if instant_ns > self._now:
            woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            heapq.heappush(self._sleepers, (instant_ns, id(woken), woken))
            await woken

    def advance(self, ns: int) -> None:
        """Let `ns` pass and wake whoever slept until then."""
        self._now += ns
        while self._sleepers and self._sleepers[0][0] <= self._now:
            woken = heapq.heappop(self._sleepers)[2]
            if not woken.done():
                woken.set_result(None)


async def ends_by(clock: Clock, limit_ns: int, work: Coroutine[Any, Any, object]) -> bool:
    """Whether `work` ends by `limit_ns`; if not, it is cancelled."""
    tasks = (asyncio.ensure_future(work), asyncio.ensure_future(clock.sleep_until(limit_ns)))
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        return tasks[0].done()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@dataclass(frozen=True, slots=True)
class ClockIdentity:
    """Names the monotonic clock that a process reads; two processes with equal identities read the very same clock."""

    boot_id: str  #: of the kernel that runs
    time_namespace: str  #: its monotonic clock may be shifted


@cache
def clock_identity() -> ClockIdentity:
    """The identity of this process' CLOCK_MONOTONIC; read once, as a process may later be out of descriptors."""
    boot_id = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    try:
        time_namespace = str(Path("/proc/self/ns/time").readlink())
    except OSError:  # a kernel older than time namespaces has one monotonic clock
        time_namespace = ""
    return ClockIdentity(boot_id, time_namespace)


def format_wall(wall_ns: int) -> str:
    """`wall_ns` (nanoseconds since 1970 UTC) as RFC 3339 in UTC, cut to microseconds."""
    return (_EPOCH + timedelta(microseconds=wall_ns // 1000)).isoformat(timespec="microseconds").replace("+00:00", "Z")
