"""How much memory a link needs in the forwarder, so that it can be refused before it starves the others.

Two kinds are meant: the store of the frames inside links, which is counted when a link is added and mapped only as it
fills, and the receive rings, which the kernel takes at once.
"""

from __future__ import annotations

import os

from plctl.agent.native import ETHERNET_HEADER, _core
from plctl.common.plan import LinkPlan
from plctl.common.scenario import Row, Schedule
from plctl.common.units import NS_PER_S, RATE_UNLIMITED

#: What an unlimited rate is taken for in estimates.
ASSUMED_RATE_BPS = 10**9
#: Receive rings share this much memory: each takes RING_SHARE of what the others left, so that few links get rings for
#: bursts of thousands of frames and a thousand links still less than 1 MiB each.
RINGS_BYTES = 256 * 2**20
RING_SHARE = 1 / 64
STORE_SHARE = 1 / 16  #: of the same memory, for the frames inside an XDP link; without a least
ROOM_FOR_XDP = 1 / 4  #: of the same memory must be left for one more XDP link, unless it is asked for
RING_FRAMES_MIN = 128  #: 1.5 ms of full-size frames at 1 Gbit/s, whatever the others took

_SLOTS = (512, 2048, 10240)  # of the frame store, as in agent/native/pool.c
_SLOT_HEAD = 88
_RING_HEAD = 136  # before each frame in a ring, and room for two VLAN tags
_TEN_FRAMES = 10


def default_budget() -> int:
    """Bytes for the frames inside links: half of the machine's memory."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2


def need_bytes(plan: LinkPlan) -> int:
    """Bytes for a link that is filled with full-size frames: both queues, what is in flight, the packet log if any."""
    frame = plan.mtu + ETHERNET_HEADER
    slot = next((size for size in _SLOTS if frame + _SLOT_HEAD <= size), _SLOTS[-1])
    inside = sum(_inside(plan, schedule) for schedule in (plan.up, plan.down))
    return inside * slot // frame + (_core.PACKET_LOG_BYTES if plan.packets else 0)


def ring_bytes(plan: LinkPlan, taken_bytes: int) -> int:
    """Bytes for each of the link's two receive rings, when those of other links have taken `taken_bytes`.

    The link's rate plays no part: a sender's burst comes as fast as its CPU can copy, whatever the link's rate.
    """
    slot = max(2048, plan.mtu + ETHERNET_HEADER + _RING_HEAD)
    share = int((RINGS_BYTES - taken_bytes) * RING_SHARE)
    return max(RING_FRAMES_MIN * slot, share)


def has_room_for_xdp(taken_bytes: int) -> bool:
    """Whether one more link should be an XDP link, which takes more memory at once, and longer to make."""
    return RINGS_BYTES - taken_bytes > ROOM_FOR_XDP * RINGS_BYTES


def store_bytes(plan: LinkPlan, taken_bytes: int) -> int:
    """Bytes that an XDP link reserves, beyond its rings, for frames inside it; others have taken `taken_bytes`.

    The kernel takes them at once, so there is a limit; what frames they do not hold are copied, as all are without XDP,
    to where the store grows as it fills.
    """
    unlimited = any(row.rate_bps >= RATE_UNLIMITED for schedule in (plan.up, plan.down) for row in schedule.rows)
    most = max(0, int((RINGS_BYTES - taken_bytes) * STORE_SHARE))
    return most if unlimited else min(need_bytes(plan), most)


def _inside(plan: LinkPlan, schedule: Schedule) -> int:
    """Bytes queued and in flight at most, over all rows."""
    queue = max(_capacity(plan, row) for row in schedule.rows)
    flight = max(_rate(row) * row.delay_ns // (8 * NS_PER_S) for row in schedule.rows)
    return queue + flight


def _capacity(plan: LinkPlan, row: Row) -> int:
    frame = plan.mtu + ETHERNET_HEADER
    if row.queue_bytes >= 0:
        return row.queue_bytes
    match plan.queue.capacity.unit:
        case "bytes":
            return plan.queue.capacity.amount
        case "packets":
            return plan.queue.capacity.amount * frame
        case "bdp":
            bdp = _rate(row) * 2 * row.delay_ns * plan.queue.capacity.amount // (8 * NS_PER_S * 10**6)
            return max(_TEN_FRAMES * frame, bdp)


def _rate(row: Row) -> int:
    return ASSUMED_RATE_BPS if row.rate_bps >= RATE_UNLIMITED else row.rate_bps
