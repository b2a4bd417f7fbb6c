"""The netlink requests that make veth pairs, and those for the outer ends of a link's two.

Each end of a link reaches the other by an on-link default route: no gateway, the far end is a neighbour whatever its
address, and frames cross the link as they are.
Requests that are the same for all links are encoded once.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from ipaddress import ip_interface
from socket import AF_INET, AF_INET6
from struct import Struct
from typing import Any

from pyroute2.netlink.rtnl import RTM_GETADDR, RTM_GETROUTE, RTM_NEWADDR, RTM_NEWLINK, RTM_NEWNEIGH, RTM_NEWROUTE
from pyroute2.netlink.rtnl.ifaddrmsg import IFA_F_NODAD, ifaddrmsg
from pyroute2.netlink.rtnl.ifinfmsg import IFF_NOARP, IFF_UP, ifinfmsg
from pyroute2.netlink.rtnl.ndmsg import NUD_PERMANENT, ndmsg
from pyroute2.netlink.rtnl.rtmsg import rtmsg

from plctl.agent.kernel.link_names import Outer
from plctl.agent.kernel.rtnetlink import CHANGE, DUMP, NEW, QUERY, Request

_LOOPBACK_INDEX = 1
_SCOPE_LINK, _SCOPE_UNIVERSE = 253, 0
_DESCRIPTOR = Struct("=I")
LOCAL = 2  #: RTN_LOCAL of linux/rtnetlink.h
_ADDR_GEN_MODE_NONE = 1  # IN6_ADDR_GEN_MODE_NONE of linux/if_link.h
_TABLE_MAIN, _PROTOCOL_STATIC, _TYPE_UNICAST = 254, 4, 1


@dataclass(frozen=True, slots=True)
class VethEnd:
    """One end of a veth pair that is to be made. The numbers of a pair's ends must differ, as `Outer` explains."""

    interface: str
    index: int
    mac: str


def pair_request(end: Outer, namespace: str, namespace_fd: int, mtu: int) -> Request:
    """Make the twin here, up, and the outer interface in `namespace`, down."""
    twin = VethEnd(end.twin, end.twin_index, end.twin_mac)
    return veth_request(twin, VethEnd(end.interface, end.index, end.mac), namespace, namespace_fd, mtu)


def veth_request(here: VethEnd, there: VethEnd, namespace: str, namespace_fd: int, mtu: int) -> Request:
    """Make one end here, up, and the other in `namespace`, down: neither is ever anywhere else."""
    descriptor = _DESCRIPTOR.pack(namespace_fd)
    return Request(f"move {there.interface} into {namespace}", _encode_pair(here, there, mtu) + descriptor)


@lru_cache
def _encode_pair(here: VethEnd, there: VethEnd, mtu: int) -> bytes:
    """The message of `veth_request` but for its end, where the descriptor of `there`'s namespace belongs."""
    message = ifinfmsg()
    _describe(message, here, mtu)
    message["flags"] = message["change"] = IFF_UP
    peer: dict[str, Any] = {"attrs": []}
    _describe(peer, there, mtu)
    peer["attrs"].append(("IFLA_NET_NS_FD", 0))
    data = {"attrs": [("VETH_INFO_PEER", peer)]}
    message["attrs"].append(("IFLA_LINKINFO", {"attrs": [("IFLA_INFO_KIND", "veth"), ("IFLA_INFO_DATA", data)]}))
    return Request.encode("make a veth pair", message, RTM_NEWLINK, NEW).data[: -_DESCRIPTOR.size]


@lru_cache
def address_requests(end: Outer, *, static_neighbours: bool) -> tuple[Request, ...]:
    """Give `end`, which is down, its addresses, in its own namespace.

    With static neighbours the kernel is to say nothing of its own accord. An interface without ARP joins no
    solicited-node group for an address of its own, so there is no membership that it would report. The kernel decides
    that in a thread of its own, some time after it has acknowledged the address; then the address is tentative no more.
    """
    quiet = [flags_request(end.interface, end.index, IFF_NOARP)] if static_neighbours else []
    return (
        loopback_request(),
        no_link_local_request(end.interface, end.index),
        *quiet,
        address_request(end.interface, end.index, end.ipv4),
        address_request(end.interface, end.index, end.ipv6, marked=static_neighbours),
    )


@lru_cache
def up_requests(end: Outer, other: Outer, *, static_neighbours: bool) -> tuple[Request, ...]:
    """Bring `end` up to reach `other`: by neighbour entries that never expire, or by ARP and neighbour discovery.

    It has ARP again before it comes up, in a request of its own, or the kernel would join the groups after all.
    Whatever is no known neighbour is resolved as on any Ethernet.
    """
    up = flags_request(end.interface, end.index, IFF_UP)
    routes = [_default_route(end, theirs) for theirs in (other.ipv4, other.ipv6)]
    if not static_neighbours:
        return (up, *routes)
    with_arp = flags_request(end.interface, end.index, 0)
    neighbours = [_neighbour(end, other, theirs) for theirs in (other.ipv4, other.ipv6)]
    return (with_arp, up, *neighbours, *routes)


@lru_cache
def own_addresses_request() -> Request:
    """Ask for all IPv6 addresses of the namespace."""
    message = ifaddrmsg()
    message["family"] = AF_INET6
    return Request.encode("list the IPv6 addresses", message, RTM_GETADDR, DUMP)


@lru_cache
def own_route_request(end: Outer) -> Request:
    """Ask for the route to the IPv6 address of `end` itself: of type `LOCAL` once packets for it are received.

    The kernel puts that route in place in a thread of its own, some time after it has acknowledged the address.
    """
    message = rtmsg()
    message["family"] = AF_INET6
    message["dst_len"] = 128
    message["attrs"] = [("RTA_DST", str(ip_interface(end.ipv6).ip))]
    return Request.encode(f"find the route to {end.ipv6} in its own namespace", message, RTM_GETROUTE, QUERY)


def _describe(message: Any, end: VethEnd, mtu: int) -> None:
    message["index"] = end.index
    message["attrs"] += [("IFLA_IFNAME", end.interface), ("IFLA_ADDRESS", end.mac), ("IFLA_MTU", mtu),
                         ("IFLA_NUM_TX_QUEUES", 1), ("IFLA_NUM_RX_QUEUES", 1)]  # fmt: skip


def loopback_request() -> Request:
    """Bring `lo` up."""
    return flags_request("lo", _LOOPBACK_INDEX, IFF_UP)


def flags_request(interface: str, index: int, flags: int) -> Request:
    """Give an interface exactly those of `IFF_UP` and `IFF_NOARP` that are in `flags`."""
    message = ifinfmsg()
    message["index"] = index
    message["flags"] = flags
    message["change"] = IFF_UP | IFF_NOARP
    attempt = f"bring {interface} up" if flags & IFF_UP else f"switch ARP of {interface} on or off"
    return Request.encode(attempt, message, RTM_NEWLINK, CHANGE)


@lru_cache
def no_link_local_request(interface: str, index: int) -> Request:
    """Let an interface that is not in use yet make no link-local address, so that it announces none either."""
    message = ifinfmsg()
    message["index"] = index
    inet6 = {"attrs": [("IFLA_INET6_ADDR_GEN_MODE", _ADDR_GEN_MODE_NONE)]}
    message["attrs"] = [("IFLA_AF_SPEC", {"attrs": [("AF_INET6", inet6)]})]
    return Request.encode(f"keep {interface} without a link-local address", message, RTM_NEWLINK, CHANGE)


def address_request(interface: str, index: int, text: str, *, marked: bool = False) -> Request:
    """Give an interface the address `text`, which ends in /prefix length; it is usable at once.

    :param marked: an IPv6 address is tentative until the kernel has put it to use, though nobody is asked who has it.
    """
    address = ip_interface(text)
    message = ifaddrmsg()
    message["family"] = _family(text)
    message["prefixlen"] = address.network.prefixlen
    message["index"] = index
    message["attrs"] = [
        ("IFA_ADDRESS", str(address.ip)),
        ("IFA_LOCAL", str(address.ip)),
        ("IFA_FLAGS", 0 if marked else IFA_F_NODAD),
    ]
    if address.version == 4:
        message["attrs"].append(("IFA_BROADCAST", str(address.network.broadcast_address)))
    return Request.encode(f"give {interface} the address {text}", message, RTM_NEWADDR, NEW)


def _default_route(end: Outer, far: str) -> Request:
    message = rtmsg()
    message["family"] = _family(far)
    message["table"] = _TABLE_MAIN
    message["proto"] = _PROTOCOL_STATIC
    message["type"] = _TYPE_UNICAST
    message["scope"] = _SCOPE_LINK if message["family"] == AF_INET else _SCOPE_UNIVERSE
    message["attrs"] = [("RTA_OIF", end.index)]
    return Request.encode(f"make {end.interface} the default route towards {far}", message, RTM_NEWROUTE, NEW)


def _neighbour(end: Outer, other: Outer, far: str) -> Request:
    message = ndmsg()
    message["family"] = _family(far)
    message["ifindex"] = end.index
    message["state"] = NUD_PERMANENT
    message["attrs"] = [("NDA_DST", str(ip_interface(far).ip)), ("NDA_LLADDR", other.mac)]
    return Request.encode(f"tell {end.interface} the MAC address of {far}", message, RTM_NEWNEIGH, NEW)


def _family(address: str) -> int:
    return AF_INET if ip_interface(address).version == 4 else AF_INET6
