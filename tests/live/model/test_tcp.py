"""The kernel's TCP over each discipline at 20 Mbit/s and 40 ms: queues stay short, flows share, and ECN costs no loss.

Times are the model's own, so a busy machine does not blur them; but it makes TCP's acknowledgements come late, and then
TCP sends otherwise: nothing runs beside these tests.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from model.tcp_flows import FlowsSeen, ask_for_ecn, send_flows

from plctl.agent.kernel.link_namespaces import LinkNamespaces, build, remove
from plctl.agent.ownership.ledger import Ledger
from plctl.common.base.units import NS_PER_MS
from plctl.common.plan.disciplines import Discipline
from plctl.common.plan.run_plan import Capacity, LinkPlan, Queue
from plctl.common.scenario.schedule import Row, Schedule

pytestmark = pytest.mark.undisturbed

SCHEDULE = Schedule((Row(0, 0, 20 * NS_PER_MS, 20_000_000),))
PLAN = LinkPlan("leo-0", SCHEDULE, SCHEDULE, queue=Queue(capacity=Capacity("packets", 1000)), packets=True)
#: What the median of the time in each queue may be: a few times its target, where drop-tail's is hundreds of ms.
MOST_MS: dict[Discipline, float] = {"codel": 25, "fq_codel": 25, "pie": 40, "dualpi2": 40}


@pytest.fixture
def built(namespaces: LinkNamespaces, ledger: Ledger) -> Iterator[LinkNamespaces]:
    """The link's namespaces."""
    build(namespaces, PLAN, ledger)
    yield namespaces
    remove(namespaces, ledger)


def plan_of(name: Discipline, **parameters: int) -> LinkPlan:
    """The link with that discipline, which holds 1000 packets."""
    return replace(PLAN, queue=Queue(name, PLAN.queue.capacity, parameters))


async def cubic(link: LinkNamespaces, ledger: Ledger, plan: LinkPlan) -> FlowsSeen:
    """A flow by CUBIC for a few seconds."""
    return await send_flows(link, ledger, plan, ["cubic"], warm_up_s=2, measured_s=1.5)


@pytest.mark.parametrize("name", MOST_MS)
async def test_a_discipline_keeps_the_queue_short_that_drop_tail_fills(
    built: LinkNamespaces, ledger: Ledger, name: Discipline
) -> None:
    """The median of the time that frames wait is near the target; drop-tail's is as long as its queue allows."""
    managed = await cubic(built, ledger, plan_of(name))
    full = await cubic(built, ledger, plan_of("droptail"))
    assert managed.median_queueing_ns < MOST_MS[name] * NS_PER_MS
    assert managed.median_queueing_ns < full.median_queueing_ns / 3
    assert managed.up.dropped_aqm_packets > 0 == managed.up.dropped_queue_full_packets


@pytest.mark.parametrize("control", ["cubic", "bbr"])
async def test_two_flows_share_fq_codel_evenly(built: LinkNamespaces, ledger: Ledger, control: str) -> None:
    """Neither gets 5 % more than the other; both wait a few milliseconds."""
    seen = await send_flows(built, ledger, plan_of("fq_codel"), [control] * 2, warm_up_s=2, measured_s=5)
    least, most = seen.shares[-2:]
    assert 0.95 < least / most <= 1
    assert seen.median_queueing_ns < MOST_MS["fq_codel"] * NS_PER_MS


@pytest.mark.parametrize("name", ["codel", "fq_codel", "dualpi2"])
async def test_an_ecn_flow_sees_marks_and_no_losses(built: LinkNamespaces, ledger: Ledger, name: Discipline) -> None:
    """What the link marked is what the receiver's kernel counted as CE, and the sender had nothing to send again."""
    ask_for_ecn(built)
    seen = await cubic(built, ledger, plan_of(name, **({} if name == "dualpi2" else {"ecn": 1})))
    assert seen.up.ce_marked_packets == seen.kernel["InCEPkts"] > 0
    assert (0, 0) == (seen.up.dropped, seen.kernel["RetransSegs"])
    assert seen.kernel["InECT0Pkts"] > 100
