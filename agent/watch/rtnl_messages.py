"""Reads what route netlink tells of interfaces, queueing disciplines and filters: only what a link's watch looks at.

pyroute2 would decode all of it, a millisecond a message; a run of a thousand links has thousands. Layouts and numbers:
linux/rtnetlink.h, linux/if_link.h, linux/gen_stats.h.
"""

from __future__ import annotations

import struct
from collections.abc import Container, Iterator
from typing import NamedTuple

NEW_LINK, DEL_LINK, GET_LINK = 16, 17, 18
NEW_QDISC, DEL_QDISC, GET_QDISC = 36, 37, 38
NEW_FILTER, DEL_FILTER = 44, 45
ERROR, DONE = 2, 3
DUMP_INTERRUPTED = 0x10  #: a flag of answers that are not of one moment
FEATURES_EVENT = 2  #: IFLA_EVENT_FEATURES
#: Parents of disciplines and filters, as tc has them: of the interface's own; of clsact and ingress; of filters.
ROOT, HOOKS, AT_INGRESS, AT_EGRESS = 0xFFFFFFFF, 0xFFFFFFF1, 0xFFFFFFF2, 0xFFFFFFF3
AT_INGRESS_ALONE = 0xFFFF0000  #: of a filter in `ingress`, which is clsact without the other side

_HEADER = struct.Struct("=IHHII")
_ATTRIBUTE = struct.Struct("=HH")
_ATTRIBUTE_TYPE = 0x3FFF
_IFINFO = struct.Struct("=BxHiII")  # struct ifinfomsg: family (not 0: of a bridge's port), type, index, flags, change
_TCMSG = struct.Struct("=BxxxiIII")  # struct tcmsg: family, index, handle, parent, info
_STATS = struct.Struct("=2Q16x4Q")  # struct rtnl_link_stats64, its head without the bytes
_QUEUE_STATS = struct.Struct("=5I")  # struct gnet_stats_queue: length, backlog, drops, requeues, overlimits
_ADDRESS, _NAME, _MTU, _LINK, _MASTER, _LINK_INFO, _STATS64, _CARRIER_CHANGES = 1, 3, 4, 5, 10, 18, 23, 35  # IFLA_…
_LINK_NAMESPACE, _XDP, _EVENT, _NEW_NAMESPACE = 37, 43, 44, 45
_LINK_ATTRIBUTES = frozenset((
    _ADDRESS, _NAME, _MTU, _LINK, _MASTER, _LINK_INFO, _STATS64, _CARRIER_CHANGES, _LINK_NAMESPACE, _XDP, _EVENT,
    _NEW_NAMESPACE,
))  # fmt: skip
_INFO_KIND = 1  # IFLA_INFO_KIND, in _LINK_INFO
_LOOPBACK = 1  # index of lo in every namespace
_XDP_ATTACHED, _XDP_PROGRAM = 2, 4
_XDP_MODES = ("", "native", "generic", "offloaded", "several")
_KIND, _STATS2 = 1, 7  # TCA_…
_STATS_QUEUE = 3
_IS_UP, _NO_ARP, _LOWER_UP = 0x1, 0x80, 0x10000  # IFF_…


class Counters(NamedTuple):
    """What the kernel counted of an interface since it was made."""

    rx_packets: int = 0
    tx_packets: int = 0
    rx_errors: int = 0
    tx_errors: int = 0
    rx_dropped: int = 0
    tx_dropped: int = 0


class InterfaceState(NamedTuple):
    """An interface."""

    ifindex: int
    name: str
    flags: int
    mtu: int = 0
    mac: str = ""
    xdp: str | None = ""  #: the program on it, in words; empty: none; None: there is one, not known which
    master: int = 0  #: index of the interface that takes all it receives; 0: none
    carrier_changes: int = 0  #: since it was made; −1: not known
    counters: Counters = Counters()
    event: int = 0  #: an IFLA_EVENT_… number: why the kernel tells
    moved: bool = False  #: it goes to another namespace
    kind: str = ""  #: veth, macvlan, vlan …
    lower: int = 0  #: index of the interface, in the same namespace, on which it stands; 0: none

    @classmethod
    def in_use(cls, index: int, name: str, mtu: int, mac: str, *, xdp: bool = False) -> InterfaceState:
        """An interface that was just made, is up, and has sent and received nothing yet; `xdp`: it has a program."""
        return cls(index, name, _IS_UP | _LOWER_UP, mtu, mac, None if xdp else "", carrier_changes=-1)

    @property
    def is_up(self) -> bool:
        """Whether it was switched on."""
        return bool(self.flags & _IS_UP)

    @property
    def has_carrier(self) -> bool:
        """Whether its twin is up, too."""
        return bool(self.flags & _LOWER_UP)

    @property
    def has_arp(self) -> bool:
        """Whether the kernel resolves addresses on it."""
        return not self.flags & _NO_ARP


class QdiscState(NamedTuple):
    """A queueing discipline, or a hook for filters (clsact, ingress), which the kernel has among them."""

    ifindex: int  #: of its interface
    handle: int
    parent: int
    kind: str
    drops: int  #: since it was made; a 32-bit counter


class FilterState(NamedTuple):
    """A filter of tc."""

    ifindex: int  #: of its interface
    parent: int
    kind: str


def messages(data: bytes) -> Iterator[tuple[int, int, int, bytes]]:
    """(type, flags, sequence number, body) of the messages that arrived together."""
    offset = 0
    while offset + _HEADER.size <= len(data):
        length, kind, flags, sequence, _ = _HEADER.unpack_from(data, offset)
        yield kind, flags, sequence, data[offset + _HEADER.size : offset + length]
        offset += max(_align(length), _HEADER.size)


def dump_request(kind: int, sequence: int) -> bytes:
    """Ask for all interfaces (`GET_LINK`) or queueing disciplines (`GET_QDISC`) of the namespace."""
    body = _IFINFO.pack(0, 0, 0, 0, 0) if kind == GET_LINK else _TCMSG.pack(0, 0, 0, 0, 0)
    return _HEADER.pack(_HEADER.size + len(body), kind, 0x301, sequence, 0) + body  # NLM_F_REQUEST | NLM_F_DUMP


def parse_link(body: bytes) -> InterfaceState | None:
    """The interface that `NEW_LINK` or `DEL_LINK` tells of; None if it is lo, or about something else of it."""
    family, _, index, flags, _ = _IFINFO.unpack_from(body)
    if family or index == _LOOPBACK:
        return None
    found = _attributes(body, _IFINFO.size, _LINK_ATTRIBUTES)
    return InterfaceState(
        ifindex=index,
        name=_text(found.get(_NAME, b"")),
        flags=flags,
        mtu=_number(found.get(_MTU)),
        mac=found.get(_ADDRESS, b"").hex(":"),
        xdp=_describe_xdp(found.get(_XDP, b"")),
        master=_number(found.get(_MASTER)),
        carrier_changes=_number(found.get(_CARRIER_CHANGES)),
        counters=Counters(*_STATS.unpack_from(found[_STATS64])) if _STATS64 in found else Counters(),
        event=_number(found.get(_EVENT)),
        moved=_NEW_NAMESPACE in found,
        kind=_text(_attributes(found.get(_LINK_INFO, b""), 0).get(_INFO_KIND, b"")),
        lower=0 if _LINK_NAMESPACE in found else _number(found.get(_LINK)),
    )


def parse_qdisc(body: bytes) -> QdiscState:
    """What `NEW_QDISC` or `DEL_QDISC` tells of."""
    _, index, handle, parent, _ = _TCMSG.unpack_from(body)
    found = _attributes(body, _TCMSG.size)
    queue = _attributes(found.get(_STATS2, b""), 0).get(_STATS_QUEUE)
    drops = _QUEUE_STATS.unpack_from(queue)[2] if queue else 0
    return QdiscState(index, handle, parent, _text(found.get(_KIND, b"")), drops)


def parse_filter(body: bytes) -> FilterState:
    """What `NEW_FILTER` or `DEL_FILTER` tells of."""
    _, index, _, parent, _ = _TCMSG.unpack_from(body)
    return FilterState(index, parent, _text(_attributes(body, _TCMSG.size).get(_KIND, b"")))


def parse_error(body: bytes) -> int:
    """The errno of an `ERROR` message; 0: an acknowledgement."""
    return -int.from_bytes(body[:4], "little", signed=True)


def _describe_xdp(data: bytes) -> str:
    found = _attributes(data, 0)
    mode = _number(found.get(_XDP_ATTACHED))
    return f"XDP program {_number(found.get(_XDP_PROGRAM))} ({_XDP_MODES[mode]})" if 0 < mode < len(_XDP_MODES) else ""


def _attributes(data: bytes, offset: int, wanted: Container[int] = range(_ATTRIBUTE_TYPE + 1)) -> dict[int, bytes]:
    """Those `wanted` of the attributes from `offset` on. An interface has some forty, and a run thousands of those."""
    found = {}
    end, unpack = len(data) - _ATTRIBUTE.size, _ATTRIBUTE.unpack_from
    while offset <= end:
        length, kind = unpack(data, offset)
        if (kind := kind & _ATTRIBUTE_TYPE) in wanted:
            found[kind] = data[offset + 4 : offset + length]
        offset += (length + 3) & ~3 or 4
    return found


def _number(data: bytes | None) -> int:
    return int.from_bytes(data, "little") if data else 0


def _text(data: bytes) -> str:
    return data.partition(b"\0")[0].decode(errors="replace")


def _align(length: int) -> int:
    return (length + 3) & ~3
