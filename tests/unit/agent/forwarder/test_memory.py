"""How the forwarder's memory is shared out."""

from __future__ import annotations

from plctl.agent.forwarder.memory import RINGS_BYTES, XDP_COMPANY_MAX, has_room_for_xdp, ring_bytes, store_bytes
from plctl.common.base.units import NS_PER_MS, RATE_UNLIMITED
from plctl.common.plan.run_plan import Capacity, LinkPlan, Queue
from plctl.common.resources.link_need import need_bytes
from plctl.common.scenario.schedule import Row, Schedule


def plan(rate_bps: int, delay_ns: int, mtu: int = 1500) -> LinkPlan:
    """A link alike both ways, with a queue of 100 packets."""
    schedule = Schedule((Row(0, 0, delay_ns, rate_bps), Row(1, 0, 0, 1)))
    return LinkPlan("leo-0", schedule, schedule, mtu=mtu, queue=Queue(capacity=Capacity("packets", 100)))


def test_a_thousand_links_get_rings_of_less_than_1_mib_each() -> None:
    """The first links get rings for bursts, the thousandth still a usable one, and the sum stays bounded."""
    taken, rings = 0, []
    for _ in range(1000):
        rings.append(ring_bytes(plan(10**6, 0), taken))
        taken += 2 * rings[-1]
    assert RINGS_BYTES // 64 == rings[0]
    assert 64 * 2048 == rings[-1]
    assert taken < 1000 * 2**20


def test_a_thousand_links_leave_xdp_to_the_first_and_stay_below_1_mib_each() -> None:
    """The first links reserve what they need for frames inside; when three quarters are taken, links do without."""
    small = plan(4_000_000, 40 * NS_PER_MS)
    taken, stores = 0, []
    for _ in range(1000):
        stores.append(store_bytes(small, taken) if has_room_for_xdp(taken) else 0)
        taken += 2 * ring_bytes(small, taken) + stores[-1]
    assert need_bytes(small) == stores[0]
    assert 10 < sum(store > 0 for store in stores) < 100
    assert taken < 1000 * 2**20


def test_a_long_fat_link_reserves_only_part_of_what_it_may_need() -> None:
    """One link's store is bounded, and an unlimited rate gets all that there may be."""
    fat = plan(10**10, 300 * NS_PER_MS)
    assert RINGS_BYTES // 16 == store_bytes(fat, 0) == store_bytes(plan(RATE_UNLIMITED, 0), 0)
    assert 0 == store_bytes(fat, 2 * RINGS_BYTES)


def test_links_that_come_together_get_rings_of_which_each_is_a_quarter_mib_at_most() -> None:
    """A thousand links of one run: two rings of 128 KiB each, from the first to the last."""
    assert {64 * 2048} == {ring_bytes(plan(10**6, 0), n * 2 * 64 * 2048, 1000) for n in range(1000)}


def test_all_links_of_a_small_company_are_xdp_links_and_none_of_a_large_one() -> None:
    """Whatever they want to store: who comes first does not leave the last without."""
    fat = plan(RATE_UNLIMITED, 0)
    for company in (1, 2, 9, XDP_COMPANY_MAX):
        taken = 0
        for _ in range(company):
            assert has_room_for_xdp(taken, company)
            taken += 2 * ring_bytes(fat, taken, company) + store_bytes(fat, taken, company)
    assert not has_room_for_xdp(0, XDP_COMPANY_MAX + 1)


def test_a_ring_holds_a_window_of_the_fastest_path() -> None:
    """Three times the BDP of 1 Gbit/s and 20 ms each way, which is 15 MB; a slow path has a ring as any other."""
    fast, slow = plan(10**9, 20 * NS_PER_MS), plan(10**8, 20 * NS_PER_MS)
    assert 15_000_000 // 1514 == ring_bytes(fast, 0) // 2048
    assert RINGS_BYTES // 64 == ring_bytes(slow, 0)
    assert ring_bytes(fast, 0) == ring_bytes(plan(RATE_UNLIMITED, 20 * NS_PER_MS), 0)


def test_no_ring_takes_more_than_its_share_however_fast_the_path() -> None:
    """An eighth of what others left, and evenly where many come together."""
    fat = plan(10**10, 300 * NS_PER_MS)
    assert RINGS_BYTES // 8 == ring_bytes(fat, 0)
    assert RINGS_BYTES // 16 == ring_bytes(fat, RINGS_BYTES // 2)
    assert ring_bytes(fat, 0, 1000) == 64 * 2048
