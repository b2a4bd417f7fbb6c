"""What a link is taken to need: exact sums, held to the forwarder's own where the C core has them."""

from __future__ import annotations

from dataclasses import replace

from plctl.agent.native import _core
from plctl.common.base.units import NS_PER_MS, RATE_UNLIMITED
from plctl.common.plan.run_plan import ETHERNET_HEADER, Capacity, LinkPlan, Queue
from plctl.common.resources.link_need import need_bytes, need_packets_per_s, slot_bytes
from plctl.common.scenario.schedule import Row, Schedule
from plctl.common.telemetry.packet_log import LOG_BYTES

FRAME = 1500 + ETHERNET_HEADER


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
    several = Schedule(tuple(Row(at, 0, 0, 0, queue_bytes=1514 * 7, queue_id=at) for at in range(3)))
    assert (100 + 3 * 7) * 2048 == need_bytes(replace(base, up=several))
    fat = plan(121_120_000, 100 * NS_PER_MS)
    assert 2 * (1000 + 2000) * 2048 == need_bytes(replace(fat, queue=Queue()))


def test_a_packet_log_counts() -> None:
    """Its two rings are reserved with the link's frames."""
    plain = plan(10**6, NS_PER_MS)
    records = 2 * 65536 * 72  # bytes of a record: common/telemetry/packet_log.py
    assert records <= need_bytes(replace(plain, packets=True)) - need_bytes(plain) < records + 4096


def test_the_figures_are_the_forwarders_own() -> None:
    """Every length of frame takes the slot, and a packet log the memory, that the C core gives them."""
    lengths = range(60, 9728)
    assert [_core.slot_bytes(length) for length in lengths] == [slot_bytes(length) for length in lengths]
    assert _core.PACKET_LOG_BYTES == LOG_BYTES


def test_packets_a_second_are_of_both_ways_at_their_greatest_rates() -> None:
    """Each direction counts the row that asks for most; a part of a packet counts as one."""
    up = Schedule((Row(0, 0, 0, 10 * 8 * FRAME), Row(1, 0, 0, 30 * 8 * FRAME), Row(2, 0, 0, 0)))
    down = Schedule((Row(0, 0, 0, 5 * 8 * FRAME + 1),))
    assert 30 + 6 == need_packets_per_s(LinkPlan("x", up, down))


def test_packets_a_second_follow_frame_and_overhead() -> None:
    """Larger frames are fewer; the overhead takes its share of the rate; unlimited is taken for 1 Gbit/s."""
    assert 2 * -(-(10**9) // (8 * (9000 + ETHERNET_HEADER))) == need_packets_per_s(plan(10**9, 0, mtu=9000))
    assert 2 * 10 == need_packets_per_s(replace(plan(10 * 8 * (FRAME + 24), 0), overhead_bytes=24))
    assert need_packets_per_s(plan(10**9, 0)) == need_packets_per_s(plan(RATE_UNLIMITED, 0))


def test_a_link_of_rate_0_needs_no_packets() -> None:
    """An outage without an end carries nothing."""
    outage = Schedule((Row(0, 0, 0, 0),))
    assert 0 == need_packets_per_s(LinkPlan("x", outage, outage))
