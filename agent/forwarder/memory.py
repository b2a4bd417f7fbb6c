"""How the forwarder's memory is shared out among its links, so that none starves the others.

Two kinds are meant: the store of the frames inside links, which is counted when a link is added and mapped only as it
fills (`plctl.common.resources.link_need`), and the receive rings, which the kernel takes at once.
"""

from __future__ import annotations

from plctl.agent.kernel.sysctl import buffer_bytes
from plctl.common.host.limits import gather_limits
from plctl.common.plan.run_plan import ETHERNET_HEADER, LinkPlan
from plctl.common.resources.link_need import need_bytes

#: Receive rings share this much memory: each takes RING_SHARE of what the others left. Links that come together share
#: evenly, so that they are alike. The first get 2048 frames: on a busy machine the worker may wait for another thread's
#: slice of 3 ms, and with a quarter of that 7 of 30 bursts of 1900 frames lost some.
RINGS_BYTES = 256 * 2**20
RING_SHARE = 1 / 64
#: A ring for a path that can bring more at once takes up to this share: a TCP sender may have as much on its way as its
#: buffers hold, and where no bottleneck spreads it, it comes in one burst, as fast as its CPU can copy.
WINDOW_SHARE = 1 / 8
STORE_SHARE = 1 / 16  #: of the same memory, for the frames inside an XDP link; without a least
ROOM_FOR_XDP = 1 / 4  #: of the same memory must be left for one more XDP link, unless it is asked for
XDP_COMPANY_MAX = 32  #: an XDP link takes 60 ms longer to make: of more links that come together none is one
RING_FRAMES_MIN = 64  #: one batch, 0.75 ms of full-size frames at 1 Gbit/s, whatever the others took

_RING_HEAD = 136  # before each frame in a ring, and room for two VLAN tags


def default_budget() -> int:
    """Bytes for the frames inside links: half of the memory that this process may have, if so much is free."""
    return gather_limits().link_bytes


def ring_bytes(plan: LinkPlan, taken_bytes: int, company: int = 1) -> int:
    """Bytes for each of the link's two receive rings, when those of other links have taken `taken_bytes`.

    A sender's burst comes as fast as its CPU can copy, whatever the link's rate; how long it can be is the path's BDP.

    :param company: how many links come together, this one included.
    """
    slot = max(2048, plan.mtu + ETHERNET_HEADER + _RING_HEAD)
    window = buffer_bytes(plan)
    left = max(0, RINGS_BYTES - taken_bytes)
    wanted = max(int(left * RING_SHARE), min(int(left * WINDOW_SHARE), window // (plan.mtu + ETHERNET_HEADER) * slot))
    return max(RING_FRAMES_MIN * slot, min(wanted, _even_share(company) // 4))


def has_room_for_xdp(taken_bytes: int, company: int = 1) -> bool:
    """Whether one more link should be an XDP link, which takes more memory at once, and longer to make."""
    return company <= XDP_COMPANY_MAX and RINGS_BYTES - taken_bytes > ROOM_FOR_XDP * RINGS_BYTES


def store_bytes(plan: LinkPlan, taken_bytes: int, company: int = 1) -> int:
    """Bytes that an XDP link reserves, beyond its rings, for frames inside it; others have taken `taken_bytes`.

    The kernel takes them at once, so there is a limit; what frames they do not hold are copied, as all are without XDP,
    to where the store grows as it fills.
    """
    unlimited = plan.up.is_unlimited or plan.down.is_unlimited
    most = max(0, min(int((RINGS_BYTES - taken_bytes) * STORE_SHARE), _even_share(company) // 2))
    return most if unlimited else min(need_bytes(plan), most)


def _even_share(company: int) -> int:
    """Of all that may be taken while there is room for XDP."""
    return int((1 - ROOM_FOR_XDP) * RINGS_BYTES) // company
