"""The self-check passes a link that does what its first row asks for, and no other."""

from __future__ import annotations

import itertools
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from functools import partial

import pytest

from plctl.agent.forwarder.client import ForwarderClient
from plctl.agent.kernel import link_namespaces
from plctl.agent.kernel.link_namespaces import LinkNamespaces
from plctl.agent.ownership.ledger import Ledger
from plctl.agent.run.self_check import SelfCheckError, self_check
from plctl.common.plan.run_plan import LinkPlan
from plctl.common.scenario.opportunities import Opportunities
from plctl.common.scenario.schedule import Row, Schedule
from plctl.common.telemetry.samples import LinkStats

pytestmark = pytest.mark.undisturbed

MS = 1_000_000
Read = Callable[[], LinkStats]


def with_row(plan: LinkPlan, delay_ns: int, rate_bps: int = 100_000_000) -> LinkPlan:
    """`plan` with one row both ways."""
    schedule = Schedule((Row(0, 0, delay_ns, rate_bps),))
    return replace(plan, up=schedule, down=schedule)


@pytest.fixture
async def forwarder(namespaces: LinkNamespaces, plan: LinkPlan, ledger: Ledger) -> AsyncIterator[ForwarderClient]:
    """One that may forward on a link that is built."""
    link_namespaces.build(namespaces, plan, ledger)
    forwarder = await ForwarderClient.spawn(ledger, 1)
    yield forwarder
    await forwarder.close()
    link_namespaces.remove(namespaces, ledger)


@pytest.fixture
def read(forwarder: ForwarderClient) -> Read:
    """What it has counted."""
    return partial(forwarder.read, 0)


async def test_a_true_link_passes_with_its_figures(
    forwarder: ForwarderClient, read: Read, namespaces: LinkNamespaces, plan: LinkPlan
) -> None:
    """Both directions and both families are measured, each near what was asked."""
    asked = with_row(plan, 7 * MS)
    await forwarder.add(0, namespaces.link, asked)
    check = await self_check(namespaces, asked, read)
    assert {"up IPv4", "down IPv4", "up IPv6", "down IPv6"} == check.delays_ns.keys()
    assert all(7 * MS <= delay for delay in check.delays_ns.values())


async def test_a_step_of_the_wall_clock_fails_no_link(
    forwarder: ForwarderClient, read: Read, namespaces: LinkNamespaces, plan: LinkPlan, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The kernel's stamps are of that clock: a round over which it was set back is measured again. It is simulated
    where Python reads it, because the machine's is not for a test to set."""
    asked = with_row(plan, 7 * MS)
    await forwarder.add(0, namespaces.link, asked)
    readings = itertools.count()
    wall_ns = time.time_ns

    def set_back() -> int:
        return wall_ns() + (1000 * MS if next(readings) < 13 else 0)  # while the first packets are under way

    monkeypatch.setattr(time, "time_ns", set_back)
    check = await self_check(namespaces, asked, read)
    assert all(7 * MS <= delay < 1000 * MS for delay in check.delays_ns.values())
    assert next(readings) > 50


async def test_opportunities_may_take_their_time(
    forwarder: ForwarderClient, read: Read, namespaces: LinkNamespaces, plan: LinkPlan
) -> None:
    """A link of 7 ms that may send every 20 ms passes; another delay does not; silence is not asked."""
    trace = Opportunities.of_instants([20 * MS], 20 * MS)
    asked = replace(plan, up=Schedule((Row(0, 0, 7 * MS, 0),), 0, trace), down=with_row(plan, 7 * MS).down)
    await forwarder.add(0, namespaces.link, asked)
    check = await self_check(namespaces, asked, read)
    assert 7 * MS <= check.delays_ns["up IPv4"] <= 40 * MS
    other = replace(asked, up=Schedule((Row(0, 0, 60 * MS, 0),), 0, trace))
    with pytest.raises(SelfCheckError, match=r"up over IPv4: asked for 60 ms, measured"):
        await self_check(namespaces, other, read)
    silent = replace(asked, up=Schedule(asked.up.rows, 0, Opportunities.of_instants([3000 * MS], 3000 * MS)))
    assert "is so slow that it would take" in str(await self_check(namespaces, silent, read))


async def test_a_link_that_delays_otherwise_fails(
    forwarder: ForwarderClient, read: Read, namespaces: LinkNamespaces, plan: LinkPlan
) -> None:
    """A link that is 8 ms slower than its plan says is refused with both figures."""
    await forwarder.add(0, namespaces.link, with_row(plan, 12 * MS))
    with pytest.raises(SelfCheckError, match=r"leo-0 up over IPv4: asked for 4.008 ms, measured 1[2-9].* ms"):
        await self_check(namespaces, with_row(plan, 4 * MS), read)


async def test_a_link_that_nobody_forwards_fails(read: Read, namespaces: LinkNamespaces, plan: LinkPlan) -> None:
    """Silence is told as the packet that did not arrive, and how far it and those behind it came."""
    with pytest.raises(
        SelfCheckError, match=r"packet 1 of 5 did not arrive within .*: the forwarder received 0 and sent 0"
    ):
        await self_check(namespaces, plan, read)


async def test_packets_that_are_still_inside_are_counted(
    forwarder: ForwarderClient, read: Read, namespaces: LinkNamespaces, plan: LinkPlan
) -> None:
    """A link that is much slower than its plan says has the packets that did not come."""
    await forwarder.add(0, namespaces.link, with_row(plan, 9000 * MS))
    with pytest.raises(SelfCheckError, match=r"received 5 and sent 0, has 5 inside"):
        await self_check(namespaces, with_row(plan, 4 * MS), read)


@pytest.mark.parametrize(("rate", "why"), [(0, "is an outage"), (1000, "is so slow that it would take")])
async def test_what_cannot_be_checked_is_said(
    rate: int, why: str, read: Read, namespaces: LinkNamespaces, plan: LinkPlan
) -> None:
    """A first row that lets nothing through in reasonable time is not checked, and the result says so."""
    assert why in str(await self_check(namespaces, with_row(plan, MS, rate), read))
