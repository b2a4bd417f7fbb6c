"""The laboratory's network: a namespace per host, a switch, and where there is a delay a link between the two.

    host                                        switch
    eth0 ⇄ h1                                   a bridge with a port per host, called as the host
    eth0 ⇄ sim-veth1 [forwarder] sim-veth2 ⇄ h1 the same, with a link's namespace between

The forwarder carries frames in the middle, as for any link. Nothing appears in the machine's own namespace.
"""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Callable

from pyroute2.netlink.rtnl import RTM_NEWLINK
from pyroute2.netlink.rtnl.ifinfmsg import IFF_UP, ifinfmsg

from plctl.agent.kernel import namespace, sysctl
from plctl.agent.kernel.link_names import CLIENT, SERVER
from plctl.agent.kernel.namespace import NETNS_DIR
from plctl.agent.kernel.offload import disable_offloads
from plctl.agent.kernel.rtnetlink import CHANGE, NEW, Request, open_netlink, send
from plctl.agent.kernel.veth import VethEnd, address_request, flags_request, loopback_request, veth_request
from plctl.agent.lab.design import HostDesign, LabDesign
from plctl.agent.ownership.ledger import Ledger

INTERFACE = "eth0"
_INDEX = 2
_BRIDGE, _BRIDGE_INDEX = "switch", 1000
_MTU = 1500
_CLIENT_SIDE = VethEnd(CLIENT.twin, CLIENT.twin_index, CLIENT.twin_mac)
_SERVER_SIDE = VethEnd(SERVER.twin, SERVER.twin_index, SERVER.twin_mac)


def wire(design: LabDesign, ledger: Ledger) -> None:
    """Make all namespaces of a laboratory with everything in them. What is made is in `ledger`, also on failure.

    :raises BusyError: a namespace of this name exists.
    :raises KernelError: the kernel refuses a step; the message names it.
    """
    namespace.prepare_folder()
    namespace.run_in_thread(lambda: _wire(design, ledger))


def _wire(design: LabDesign, ledger: Ledger) -> None:
    """As `wire`; spoils the calling thread."""
    with contextlib.closing(_make(design.switch_netns, sysctl.NO_IPV6, ledger)) as switch:
        send(switch, _switch_requests())
        for host in design.hosts:
            with contextlib.closing(_make(host.netns, sysctl.QUIET | sysctl.NO_LINK_LOCAL, ledger)) as netlink:
                if host.access:
                    _lay_link(design, host, netlink, switch, ledger)
                else:
                    _join(netlink, _host_end(host), _port(host), design.switch_netns)
                send(netlink, _host_requests(host))
            send(switch, [_enslave_request(host)])


def _make(name: str, settings: dict[str, str], ledger: Ledger) -> socket.socket:
    """A netlink socket of a new namespace, in which the calling thread is left."""
    namespace.create(name, ledger)
    sysctl.write(settings, name)
    return open_netlink()


def _lay_link(
    design: LabDesign, host: HostDesign, netlink: socket.socket, switch: socket.socket, ledger: Ledger
) -> None:
    """Put a link's namespace between a host and the switch, all four ends without offloads."""
    with contextlib.closing(_make(host.link_netns, sysctl.NO_IPV6, ledger)) as link:
        _join(link, _CLIENT_SIDE, _host_end(host), host.netns)
        _join(link, _SERVER_SIDE, _port(host), design.switch_netns)
        for end, interface, where in (
            (netlink, INTERFACE, host.netns),
            (link, _CLIENT_SIDE.interface, host.link_netns),
            (link, _SERVER_SIDE.interface, host.link_netns),
            (switch, host.name, design.switch_netns),
        ):
            disable_offloads(end, interface, where)


def _join(netlink: socket.socket, here: VethEnd, there: VethEnd, namespace_there: str) -> None:
    fd = os.open(NETNS_DIR / namespace_there, os.O_RDONLY | os.O_CLOEXEC)
    try:
        send(netlink, [veth_request(here, there, namespace_there, fd, _MTU)])
    finally:
        os.close(fd)


def _host_end(host: HostDesign) -> VethEnd:
    return VethEnd(INTERFACE, _INDEX, host.mac)


def _port(host: HostDesign) -> VethEnd:
    return VethEnd(host.name, _BRIDGE_INDEX + host.number, f"02:77:00:00:01:{host.number:02x}")


def _host_requests(host: HostDesign) -> list[Request]:
    return [
        loopback_request(),
        flags_request(INTERFACE, _INDEX, IFF_UP),
        address_request(INTERFACE, _INDEX, f"{host.ipv4}/24"),
        address_request(INTERFACE, _INDEX, f"{host.ipv6}/64"),
    ]


def _switch_requests() -> list[Request]:
    """A bridge that floods multicast, as neighbour discovery needs where nobody asks who listens."""

    def describe(message: ifinfmsg) -> None:
        data = {"attrs": [("IFLA_BR_MCAST_SNOOPING", 0)]}
        info = {"attrs": [("IFLA_INFO_KIND", "bridge"), ("IFLA_INFO_DATA", data)]}
        message["attrs"] = [("IFLA_IFNAME", _BRIDGE), ("IFLA_LINKINFO", info)]

    return [_link_request("make the switch (a bridge)", _BRIDGE_INDEX, NEW, describe)]


def _enslave_request(host: HostDesign) -> Request:
    """Plug a host's port into the switch."""

    def describe(message: ifinfmsg) -> None:
        message["attrs"] = [("IFLA_MASTER", _BRIDGE_INDEX)]

    return _link_request(f"plug {host.name} into the switch", _BRIDGE_INDEX + host.number, CHANGE, describe)


def _link_request(attempt: str, index: int, flags: int, describe: Callable[[ifinfmsg], None]) -> Request:
    """A request about the interface `index`, which it also brings up."""
    message = ifinfmsg()
    message["index"] = index
    message["flags"] = message["change"] = IFF_UP
    describe(message)
    return Request.encode(attempt, message, RTM_NEWLINK, flags)
