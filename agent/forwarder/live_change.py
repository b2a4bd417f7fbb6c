"""Lets a link that runs go over to a changed plan: chooses when, and asks the forwarder until it was in time.

The time is a little ahead, for the forwarder must have the changed rows before its virtual time is there. It refuses
what comes too late, in both directions or in none; then a later time is chosen.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from plctl.agent.forwarder.hasty_schedule import deflated
from plctl.agent.native import half_config
from plctl.common.base.errors import BusyError, WorldError
from plctl.common.base.units import NS_PER_MS
from plctl.common.plan.link_change import AppliedChange, LinkChange, applied, changed_plan, free_instant, routes_of
from plctl.common.plan.run_plan import LinkPlan
from plctl.common.scenario.schedule import DIRECTIONS, Direction

#: How far ahead a change is asked for at first; twice as far after each refusal, or twice as far as it was late, and so
#: often at most. A schedule of a million rows takes a second or two to be handed over.
LEAD_NS = 4 * NS_PER_MS
TRIES = 13


class LiveLink:
    """One link of a forwarder and what it went through: asked by `ask` under its number `slot`."""

    def __init__(self, ask: Callable[..., Awaitable[Any]], slot: int, plan: LinkPlan, seed: int) -> None:
        self._ask = ask
        self._slot = slot
        self._seed = seed
        self._first = plan
        self._changing = asyncio.Lock()  #: one after the other: each begins with the plan that the one before left
        self.plan = plan  #: that it follows now
        self.changes: tuple[AppliedChange, ...] = ()  #: so far

    async def change(
        self,
        wanted: LinkChange,
        by: str,
        *,
        start_of: Callable[[], tuple[int, int]],
        now_ns: Callable[[], int],
        check: Callable[[LinkPlan], None],
    ) -> AppliedChange:
        """Change it as soon as can be; what then holds, and since when.

        :param start_of: tells T0 and when the link started, 0 if it has not; on the clock of `now_ns`.
        :param check: raises what speaks against a plan.
        :raises BusyError: its scenario has not started yet.
        :raises WorldError: the forwarder never had the change in time, or is gone.
        """
        async with self._changing:
            lead_ns, earliest_ns = LEAD_NS, self.changes[-1].at_ns + 1 if self.changes else 1
            for _ in range(TRIES):
                began_ns = now_ns()
                t0_ns, started_ns = start_of()
                if not started_ns:
                    raise BusyError(f"the scenario of {self.plan.name} has not started; change it once it has")
                at_ns = free_instant(self.plan, max(earliest_ns, began_ns + lead_ns - t0_ns))
                plan = changed_plan(self.plan, wanted, at_ns)
                check(plan)
                done = applied(self.plan, wanted, at_ns, by)
                if await self._go_over(plan, (*self.changes, done), t0_ns + at_ns):
                    self.plan, self.changes = plan, (*self.changes, done)
                    return done
                lead_ns = 2 * max(lead_ns, now_ns() - began_ns)
        raise WorldError(f"cannot change {self.plan.name}: the forwarder never had the change in time")

    async def _go_over(self, plan: LinkPlan, changes: Sequence[AppliedChange], at_ns: int) -> bool:
        """Whether the forwarder was in time."""
        up, down = await asyncio.to_thread(lambda: [self._half(plan, way, changes) for way in DIRECTIONS])
        in_time: bool = await self._ask("change", slot=self._slot, up=up, down=down, at_ns=at_ns)
        return in_time

    def _half(self, plan: LinkPlan, direction: Direction, changes: Sequence[AppliedChange]) -> dict[str, Any]:
        return {
            "schedule": deflated(getattr(plan, direction)),
            "routes": routes_of(getattr(self._first, direction), changes, direction),
            **half_config(plan, direction, self._seed),
        }
