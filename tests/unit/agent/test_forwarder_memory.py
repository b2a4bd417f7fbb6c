"""What a link is taken to need, and how receive rings are shared out."""

from __future__ import annotations

from dataclasses import replace

from plctl.agent.forwarder_memory import RINGS_BYTES, has_room_for_xdp, need_bytes, ring_bytes, store_bytes
from plctl.common.plan import Capacity, LinkPlan, Queue
from plctl.common.scenario import Row, Schedule
from plctl.common.units import NS_PER_MS, RATE_UNLIMITED


def plan(rate_bps: int, delay_ns: int, mtu: int = 1500) -> LinkPlan:
    """A link alike both ways, with a queue of 100 packets."""
    schedule = Schedule((Row(0, 0, delay_ns, rate_bps), Row(1, 0, 0, 1)))
    return LinkPlan("leo-0", schedule, schedule, mtu=mtu, queue=Queue(capacity=Capacity("packets", 100)))


def test_need_is_queue_and_flight_in_slots() -> None:
    """121.12 Mbit/s × 100 ms is a flight of 1000 full frames; with the queue 1100 slots of 2 KiB each way."""
    assert 2 * 1100 * 2048 == need_bytes(plan(121_120_000, 100 * NS_PER_MS))


def test_need_counts_jumbo_frames_in_jumbo_slots() -> None:
    """A frame of 9014 bytes takes 10 KiB."""
    assert 2 * 100 * 10240 == need_bytes(plan(0, 0, mtu=9000))


def test_need_takes_an_unlimited_rate_for_1_gbit() -> None:
    """An unlimited rate has no BDP; it is estimated as 1 Gbit/s, not as nothing and not as everything."""
    assert need_bytes(plan(10**9, NS_PER_MS)) == need_bytes(plan(RATE_UNLIMITED, NS_PER_MS))


def test_need_follows_the_rows_own_capacity_and_the_bdp() -> None:
    """A row's queue in bytes, or a BDP of at least ten frames, counts as what it is."""
    base = plan(0, 0)
    own = replace(base, up=Schedule((Row(0, 0, 0, 0, queue_bytes=1514 * 7),)))
    assert (100 + 7) * 2048 == need_bytes(own)
    assert 2 * 10 * 2048 == need_bytes(replace(base, queue=Queue()))
    fat = plan(121_120_000, 100 * NS_PER_MS)
    assert 2 * (1000 + 2000) * 2048 == need_bytes(replace(fat, queue=Queue()))


def test_a_packet_log_counts() -> None:
    """Its two rings are reserved with the link's frames."""
    plain = plan(10**6, NS_PER_MS)
    assert need_bytes(plain) + 8 * 2**20 <= need_bytes(replace(plain, packets=True)) < need_bytes(plain) + 9 * 2**20


def test_a_thousand_links_get_rings_of_less_than_1_mib_each() -> None:
    """The first links get deep rings, the thousandth still a usable one, and the sum stays bounded."""
    taken, rings = 0, []
    for _ in range(1000):
        rings.append(ring_bytes(plan(10**6, 0), taken))
        taken += 2 * rings[-1]
    assert RINGS_BYTES // 64 == rings[0]
    assert 128 * 2048 == rings[-1]
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
