"""Build and remove the three namespaces of a link: client, link and server.

    client namespace          link namespace            server namespace
    veth1  22:22:22:22:22:22 ⇄ sim-veth1    sim-veth2 ⇄ veth2  66:66:66:66:66:66
    192.168.22.2/24  fd22::2/64      (no addresses)       192.168.66.2/24  fd66::2/64

The forwarder carries frames between sim-veth1 and sim-veth2. Nothing ever appears in the host's own namespace.

With `arp: static` veth1 and veth2 know each other's MAC for ever, and the kernel puts no frame of its own on the link;
other addresses are resolved as on any Ethernet. With `arp: dynamic` ARP and neighbour discovery for the two addresses
and two multicast membership reports (MLDv2, some 12 and 24 ms after building) cross the link as well.
IPv6 has no link-local address in either mode.
"""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import time
from collections.abc import Callable
from dataclasses import astuple, dataclass
from functools import partial

from plctl.agent.kernel import namespace, sysctl, veth
from plctl.agent.kernel.link_names import (
    CLIENT,
    CLIENT_INTERFACE,
    CLIENT_IPV4,
    CLIENT_IPV6,
    CLIENT_MAC,
    LINK_CLIENT_INTERFACE,
    LINK_SERVER_INTERFACE,
    SERVER,
    SERVER_INTERFACE,
    SERVER_IPV4,
    SERVER_IPV6,
    SERVER_MAC,
    LinkNamespaces,
    Outer,
)
from plctl.agent.kernel.namespace import NETNS_DIR, open_socket, run_in_thread, run_inside
from plctl.agent.kernel.offload import disable_offloads
from plctl.agent.kernel.rtnetlink import find_route, has_tentative, open_netlink, send
from plctl.agent.ownership.ledger import Ledger
from plctl.common.base.errors import BusyError, KernelError
from plctl.common.plan.run_plan import LinkPlan

__all__ = [
    "CLIENT_INTERFACE",
    "CLIENT_IPV4",
    "CLIENT_IPV6",
    "CLIENT_MAC",
    "LINK_CLIENT_INTERFACE",
    "LINK_SERVER_INTERFACE",
    "NETNS_DIR",
    "SERVER_INTERFACE",
    "SERVER_IPV4",
    "SERVER_IPV6",
    "SERVER_MAC",
    "LinkNamespaces",
    "build",
    "open_socket",
    "raise_buffers",
    "remove",
]

#: How long the kernel may take to receive at an address that it has accepted, and how often it is asked.
ADDRESS_PATIENCE_S = 10.0
ADDRESS_PAUSE_S = 0.001


def build(namespaces: LinkNamespaces, plan: LinkPlan, ledger: Ledger) -> None:
    """Make the namespaces of a link with everything in them. Blocks for some milliseconds; several may run at once.

    On failure all of it is removed again.

    :raises BusyError: a namespace of this name exists.
    :raises KernelError: the kernel refuses a step; the message names it.
    """
    for name in astuple(namespaces):
        if ledger.find("netns", name):
            raise BusyError(f"the namespace {name} exists already")
    try:
        run_in_thread(lambda: _build(namespaces, plan, ledger))
    except BaseException:
        with contextlib.suppress(KernelError):  # the first error is the one to tell; the ledger keeps what is left
            remove(namespaces, ledger)
        raise


def raise_buffers(namespaces: LinkNamespaces, plan: LinkPlan) -> None:
    """Fit a standing link's TCP buffers to `plan`, as `build` does. Sockets that are open keep theirs.

    :raises KernelError: a namespace is missing, or the kernel refuses.
    """
    for name in (namespaces.client, namespaces.server):
        run_inside(name, partial(_raise_buffers, plan, name))


def remove(namespaces: LinkNamespaces, ledger: Ledger) -> None:
    """Remove what `ledger` holds of a link's namespaces, whatever state they are in. Does nothing the second time.

    The kernel takes the interfaces with the namespaces, once no process and no socket is left in them.

    :raises KernelError: the kernel refuses.
    """
    for name in astuple(namespaces):
        if entry := ledger.find("netns", name):
            namespace.remove(entry, ledger)


def _raise_buffers(plan: LinkPlan, name: str) -> None:
    with sysctl.Settings(name) as here:
        sysctl.fit_tcp_buffers(here, plan)


@dataclass(frozen=True, slots=True)
class _Site:
    """The client's or the server's side of a link under construction, with a netlink socket of its namespace."""

    end: Outer
    other: Outer
    name: str
    netlink: socket.socket


def _build(namespaces: LinkNamespaces, plan: LinkPlan, ledger: Ledger) -> None:
    """As `build`; leaves the thread in the link's namespace."""
    namespace.prepare_folder()
    static = plan.arp == "static"
    with contextlib.ExitStack() as sockets:

        def make(name: str, *, outer: bool) -> socket.socket:
            namespace.create(name, ledger)
            with sysctl.Settings(name) as here:
                here.write(sysctl.QUIET)
                if outer:
                    sysctl.fit_tcp_buffers(here, plan)
            return sockets.enter_context(open_netlink())

        sites = (
            _Site(CLIENT, SERVER, namespaces.client, make(namespaces.client, outer=True)),
            _Site(SERVER, CLIENT, namespaces.server, make(namespaces.server, outer=True)),
        )
        link = make(namespaces.link, outer=False)
        for site in sites:
            _make_pair(site, plan, link)
            send(site.netlink, veth.address_requests(site.end, static_neighbours=static))
            super_frames = plan.offload == "on"
            disable_offloads(site.netlink, site.end.interface, site.name, super_frames=super_frames)
            disable_offloads(link, site.end.twin, namespaces.link, super_frames=super_frames)
        for site in sites:
            if static:
                _await(_has_settled, site, "use")
            send(site.netlink, veth.up_requests(site.end, site.other, static_neighbours=static))
        for site in sites:
            _await(_receives, site, "receive at")


def _has_settled(site: _Site) -> bool:
    return not has_tentative(site.netlink, veth.own_addresses_request())


def _receives(site: _Site) -> bool:
    return find_route(site.netlink, veth.own_route_request(site.end)) == veth.LOCAL


def _await(condition: Callable[[_Site], bool], site: _Site, what: str) -> None:
    """Return once `condition` holds, which the kernel sees to in its own time; on a busy machine that takes a while.

    :raises KernelError: it never does: the namespace cannot do `what` with its IPv6 address.
    """
    limit = time.monotonic() + ADDRESS_PATIENCE_S
    while not condition(site):
        if time.monotonic() > limit:
            raise KernelError(f"{site.name} still does not {what} {site.end.ipv6} after {ADDRESS_PATIENCE_S:g} s")
        time.sleep(ADDRESS_PAUSE_S)


def _make_pair(site: _Site, plan: LinkPlan, link: socket.socket) -> None:
    """Make the veth pair of one side."""
    fd = os.open(NETNS_DIR / site.name, os.O_RDONLY | os.O_CLOEXEC)
    try:
        request = veth.pair_request(site.end, site.name, fd, plan.mtu)
        send(link, [request, veth.no_link_local_request(site.end.twin, site.end.twin_index)])
    except KernelError as error:
        if isinstance(error.__cause__, OSError) and error.__cause__.errno == errno.EOPNOTSUPP:
            raise KernelError(
                f"{error}: this kernel has no veth; load it with `modprobe veth` "
                "(on a cloud or minimal image, install the package with its extra modules)"
            ) from error
        raise
    finally:
        os.close(fd)
