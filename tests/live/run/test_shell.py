"""What the shell of a run promises, on a real host and on a simulated one alike: the two share it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from types import UnionType
from typing import Any, cast

import pytest

from plctl.agent.run.executor import RunHost
from plctl.agent.run.host_site import HostSite
from plctl.agent.service.clock_keeper import ClockKeeper
from plctl.agent.service.site import AgentServices, Run, Site
from plctl.agent.simulated.site import SimulatedSite
from plctl.common.base.background import background
from plctl.common.base.clock import ClockIdentity, RealClock
from plctl.common.base.units import NS_PER_MS, NS_PER_S
from plctl.common.plan.run_plan import LinkPlan, RunPlan
from plctl.common.protocol import messages as m
from plctl.common.protocol import presence as ps

CLOCK = RealClock()
pytestmark = pytest.mark.usefixtures("state")


@pytest.fixture(params=["real", "simulated"])
def site(request: pytest.FixtureRequest) -> Site:
    """Each kind of site."""
    return HostSite() if request.param == "real" else SimulatedSite(1)


class Keeper(ClockKeeper):
    """A keeper of the clock of a controller that answers at once as long as `answers`, and breaks where `broken`."""

    def __init__(self) -> None:
        super().__init__(CLOCK, self._answer)
        self.answers = True
        self.broken = False
        self.set_controller(ClockIdentity("another machine", ""))

    async def burst(self, patience_ns: int = NS_PER_S, exchanges: int = 0, gap_ns: int = 0) -> None:
        """As ever; or a bug of ours."""
        if self.broken:
            raise RuntimeError("a bug")
        await super().burst(patience_ns, exchanges, gap_ns)

    async def _answer(self, query: ps.ClockQuery) -> None:
        if self.answers:
            now_ns = CLOCK.monotonic_ns()
            self.handle_reply(ps.ClockReply(query.t1_ns, now_ns, now_ns), now_ns)


class Shell:
    """One run on an open site; what it answers and reports is kept."""

    def __init__(self, token: str) -> None:
        self.epoch = f"r-1-{token}"
        self.keeper = Keeper()
        self.said: asyncio.Queue[m.Message] = asyncio.Queue()
        self.events: dict[str, dict[str, object]] = {}
        self.run: Run
        self.services = AgentServices(
            "a", CLOCK, self.keeper, self._report, self._reply, crowded=lambda: False, room=self._room
        )

    async def hear(self, kind: type[m.Message] | UnionType) -> Any:
        """What the run says next; it must be this."""
        message = await asyncio.wait_for(self.said.get(), 20)
        assert isinstance(message, kind), message
        return message

    async def command(self, message: m.Message, command: int) -> None:
        """Tell the run something."""
        await self.run.command(m.Envelope(message, id=command, epoch=self.epoch))

    async def _report(self, make: Callable[[int], m.Message], _epoch: str, _expendable: bool) -> None:
        match make(1):
            case m.Events(_, events):
                self.events |= {str(event["event"]): event for event in events}
            case m.Report(_, finished):
                self.said.put_nowait(finished)

    async def _reply(self, _command: int, message: m.Message, _epoch: str) -> None:
        self.said.put_nowait(message)

    async def _room(self) -> None:
        """There always is."""


@asynccontextmanager
async def preparing(site: Site, plan: LinkPlan, token: str, *, broken: bool = False) -> AsyncIterator[Shell]:
    """A run of one link on `site`, from PREPARE until it was released."""
    shell = Shell(token)
    shell.keeper.broken = broken
    async with site.open(shell.services) as make_run, background() as group:
        shell.run = make_run(m.Prepare(RunPlan(shell.epoch, 1, (plan,), duration_ns=60 * NS_PER_S)), 1)
        carried = group.create_task(shell.run.carry())
        yield shell
        await shell.command(m.Release(), 9)
        await shell.hear(m.Released)
        await asyncio.wait_for(carried, 20)


async def test_a_bug_in_preparing_is_the_cause_of_the_links(site: Site, plan: LinkPlan, unique: str) -> None:
    """PREPARE is answered with it, the log has the traceback, and the run can be released."""
    async with preparing(site, plan, unique, broken=True) as shell:
        (readiness,) = (await shell.hear(m.Prepared)).links
        assert "internal error: RuntimeError('a bug')" == readiness.cause
        assert "in burst" in str(shell.events["agent.bug"]["traceback"])


async def test_a_bug_in_arming_is_an_answer(site: Site, plan: LinkPlan, unique: str) -> None:
    """ARM is refused with it, rather than the controller left to wait."""
    async with preparing(site, plan, unique) as shell:
        await shell.hear(m.Prepared)
        shell.keeper.broken = True
        await shell.command(m.Arm(CLOCK.monotonic_ns() + NS_PER_S), 2)
        assert "internal error: RuntimeError('a bug')" in (await shell.hear(m.NotArmed)).cause


async def test_a_bug_in_a_running_run_ends_it_with_that_cause(site: Site, plan: LinkPlan, unique: str) -> None:
    """What became of the links is reported, long before the run's time is over."""
    async with preparing(site, plan, unique) as shell:
        await shell.hear(m.Prepared)
        t0_ns = CLOCK.monotonic_ns() + 500 * NS_PER_MS
        await shell.command(m.Arm(t0_ns), 2)
        await shell.hear(m.Armed)
        shell.keeper.broken = True
        await shell.command(m.Commit(t0_ns), 3)
        (result,) = (await shell.hear(m.Finished)).links
        assert "internal error: RuntimeError('a bug')" == result.cause


async def test_arm_is_answered_before_t0_though_the_controller_tells_no_time(
    site: Site, plan: LinkPlan, unique: str
) -> None:
    """Half of the time until T0 is waited for readings of its clock; the other half is left to the commands."""
    async with preparing(site, plan, unique) as shell:
        await shell.hear(m.Prepared)
        shell.keeper.answers = False
        t0_ns = CLOCK.monotonic_ns() + 800 * NS_PER_MS
        await shell.command(m.Arm(t0_ns), 2)
        assert 0 <= (await shell.hear(m.Armed)).bound_ns
        assert CLOCK.monotonic_ns() < t0_ns


async def test_commands_may_come_at_once(site: Site, plan: LinkPlan, unique: str) -> None:
    """ARM that does not wait for PREPARED is answered, not lost, however little of the run there is yet."""
    shell = Shell(unique)
    async with site.open(shell.services) as make_run, background() as group:
        shell.run = make_run(m.Prepare(RunPlan(shell.epoch, 1, (plan,))), 1)
        await shell.command(m.Arm(CLOCK.monotonic_ns() + NS_PER_S), 2)
        group.create_task(shell.run.carry())
        answers = [await shell.hear(m.Prepared | m.Armed | m.Refused) for _ in range(2)]
        assert {m.Prepared} < set(map(type, answers))
        await shell.run.abandon("told to end")


async def test_links_that_are_taken_away_on_the_way_to_t0_are_no_bug(plan: LinkPlan, unique: str) -> None:
    """Who waits for T0 finds that they are gone, and says so."""
    async with preparing(HostSite(), plan, unique) as shell:
        await shell.hear(m.Prepared)
        t0_ns = CLOCK.monotonic_ns() + 400 * NS_PER_MS
        await shell.command(m.Arm(t0_ns), 2)
        await shell.hear(m.Armed)
        await shell.command(m.Commit(t0_ns), 3)
        while not (host := cast("RunHost", shell.run))._links[plan.name].baseline:  # armed; T0 is still to come
            await CLOCK.sleep_until(CLOCK.monotonic_ns() + NS_PER_MS)
        await host._forget_slots()  # the first that a release does to them
        (result,) = (await shell.hear(m.Finished)).links
        assert "the links were taken away as they were to start" == result.cause
        assert "agent.bug" not in shell.events
