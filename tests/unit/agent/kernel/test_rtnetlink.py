"""Netlink batches: all is done in order, and the one that fails is named in the kernel's words."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from pyroute2 import IPRoute
from pyroute2.netlink.rtnl import RTM_NEWLINK
from pyroute2.netlink.rtnl.ifinfmsg import ifinfmsg

from plctl.agent.kernel import namespace, rtnetlink, veth
from plctl.agent.kernel.link_names import CLIENT
from plctl.agent.kernel.rtnetlink import CHANGE, NEW, Request
from plctl.agent.ownership.ledger import Ledger
from plctl.common.base.errors import KernelError
from plctl.common.host.state import Owner

pytestmark = pytest.mark.needs_root  # namespaces

SANDBOX = "pl-rtnetlink-test"


@pytest.fixture
def sandbox(state_folder: object, request: pytest.FixtureRequest) -> Iterator[str]:
    """A namespace in which interfaces may be made."""
    assert state_folder
    name = f"{SANDBOX}-{id(request)}"
    with Owner.create("rtnetlink") as owner:
        ledger = Ledger(owner.ledger_path)
        namespace.prepare_folder()
        namespace.run_in_thread(lambda: namespace.create(name, ledger))
        yield name
        for entry in ledger.entries():
            namespace.remove(entry, ledger)
        ledger.close()
        owner.remove()


def make(interface: str, kind: str = "veth") -> Request:
    """The request for a new interface."""
    message = ifinfmsg()
    message["attrs"] = [("IFLA_IFNAME", interface), ("IFLA_LINKINFO", {"attrs": [("IFLA_INFO_KIND", kind)]})]
    return Request.encode(f"make {interface}", message, RTM_NEWLINK, NEW)


def up(index: int) -> Request:
    """The request to bring an interface up."""
    message = ifinfmsg()
    message["index"] = index
    message["flags"] = message["change"] = 1
    return Request.encode(f"bring interface {index} up", message, RTM_NEWLINK, CHANGE)


def send(name: str, *requests: Request) -> list[str]:
    """Send a batch inside `name`; the interfaces that are there afterwards."""

    def inside() -> list[str]:
        with rtnetlink.open_netlink() as netlink:
            rtnetlink.send(netlink, requests)
        with IPRoute() as kernel:
            return sorted(link.get("ifname") for link in kernel.get_links())

    names: list[str] = namespace.run_inside(name, inside)
    return names


def test_a_batch_is_done_as_a_whole(sandbox: str) -> None:
    """However many requests, one after the other."""
    made = send(sandbox, *(make(f"a{i}") for i in range(40)), up(1))
    assert {f"a{i}" for i in range(40)} <= set(made)


def test_the_failing_request_is_named(sandbox: str) -> None:
    """Not the batch, and not the request after it."""
    with pytest.raises(KernelError, match="cannot make a: File exists") as caught:
        send(sandbox, make("b"), make("a"), make("a"), up(99))
    assert isinstance(caught.value.__cause__, FileExistsError)


def test_the_kernels_own_explanation_is_passed_on(sandbox: str) -> None:
    """Where it gives one, it says more than the number."""
    with pytest.raises(KernelError, match=r"cannot make c: Operation not supported \(Unknown device type\)"):
        send(sandbox, make("c", kind="nosuchkind"))


def test_the_route_that_would_be_taken_is_found(sandbox: str) -> None:
    """By its type; that there is none is the kernel's answer, too."""

    def inside() -> int:
        with rtnetlink.open_netlink() as netlink:
            with pytest.raises(KernelError, match=r"cannot find the route .*: Network is unreachable"):
                rtnetlink.find_route(netlink, veth.own_route_request(CLIENT))
            rtnetlink.send(netlink, [veth.loopback_request(), veth.address_request("lo", 1, CLIENT.ipv6)])
            while (kind := rtnetlink.find_route(netlink, veth.own_route_request(CLIENT))) != veth.LOCAL:
                time.sleep(0.001)  # the kernel is not through with it
            return kind

    assert veth.LOCAL == namespace.run_inside(sandbox, inside)
