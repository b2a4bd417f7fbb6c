"""What of an interface changed is told, in words and once; what did not change, never."""

from __future__ import annotations

import struct

import pytest

from plctl.agent.watch import rtnl_messages as rtnl
from plctl.agent.watch.namespace_view import EndChange, NamespaceView
from plctl.agent.watch.rtnl_messages import InterfaceState

UP, LOWER_UP, NO_ARP, PROMISCUOUS = 0x1, 0x10000, 0x80, 0x100
VETH1 = InterfaceState.in_use(22, "veth1", 1500, "22:22:22:22:22:22")
RUNNING = UP | LOWER_UP


def attribute(kind: int, value: bytes) -> bytes:
    """One, padded."""
    return (struct.pack("=HH", 4 + len(value), kind) + value).ljust((4 + len(value) + 3) & ~3, b"\0")


def link(
    index: int = 22,
    name: str = "veth1",
    flags: int = RUNNING,
    mtu: int = 1500,
    mac: str = "22:22:22:22:22:22",
    *,
    xdp: int = 0,
    master: int = 0,
    carrier_changes: int = 2,
    event: int = 0,
    moved: bool = False,
    tx_packets: int = 0,
    kind: str = "veth",
    lower: int = 21,
    lower_is_here: bool = False,
) -> bytes:
    """The body of a message about an interface."""
    body = struct.pack("=BxHiII", 0, 1, index, flags, 0) + attribute(3, name.encode() + b"\0")
    body += attribute(4, struct.pack("=I", mtu)) + attribute(1, bytes.fromhex(mac.replace(":", "")))
    body += attribute(35, struct.pack("=I", carrier_changes)) + attribute(44, struct.pack("=I", event))
    body += attribute(23, struct.pack("=25Q", 0, tx_packets, *[0] * 23))
    body += attribute(18, attribute(1, kind.encode() + b"\0")) + attribute(5, struct.pack("=I", lower))
    body += b"" if lower_is_here else attribute(37, struct.pack("=I", 0))
    if xdp:
        body += attribute(43, attribute(2, b"\x02") + attribute(4, struct.pack("=I", xdp)))
    if master:
        body += attribute(10, struct.pack("=I", master))
    return body + (attribute(45, struct.pack("=I", 1)) if moved else b"")


def qdisc(kind: str, parent: int = rtnl.ROOT, handle: int = 0x80010000, drops: int = 0, index: int = 22) -> bytes:
    """The body of a message about a discipline."""
    queue = attribute(3, struct.pack("=5I", 0, 0, drops, 0, 0))
    return (
        struct.pack("=BxxxiIII", 0, index, handle, parent, 0)
        + attribute(1, kind.encode() + b"\0")
        + attribute(7, queue)
    )


def tc_filter(parent: int) -> bytes:
    """The body of a message about a filter."""
    return struct.pack("=BxxxiIII", 0, 22, 0, parent, 0) + attribute(1, b"bpf\0")


def fresh() -> NamespaceView:
    """veth1 as it was made."""
    view = NamespaceView({"veth1": VETH1})
    view.begin()
    return view


def found(**facts: object) -> NamespaceView:
    """veth1 as a listing found it."""
    view = NamespaceView({"veth1": None})
    view.list_begins(rtnl.GET_LINK)
    assert [] == view.take(rtnl.NEW_LINK, link(**facts))  # type: ignore[arg-type]  # the tests name real fields
    assert [] == view.list_ends()
    view.begin()
    return view


def told(changes: list[EndChange]) -> list[str]:
    """In words."""
    assert all(change.interface == "veth1" for change in changes)
    return [change.what for change in changes]


@pytest.mark.parametrize("view", [fresh(), found()], ids=["fresh", "found"])
def test_an_interface_that_is_as_it_was_is_not_told_of(view: NamespaceView) -> None:
    """Traffic, a packet capture and a longer queue change nothing that frames would notice."""
    assert [] == view.take(rtnl.NEW_LINK, link(tx_packets=9))
    assert [] == view.take(rtnl.NEW_LINK, link(flags=RUNNING | PROMISCUOUS))
    assert [] == view.take(rtnl.NEW_LINK, link(index=70, name="dummy0"))
    assert 0 == view.interfaces["veth1"].carrier_changes


@pytest.mark.parametrize(
    ("body", "what"),
    [
        (link(flags=LOWER_UP), ["went down"]),
        (link(flags=0, carrier_changes=3), ["went down", "lost its carrier"]),
        (link(flags=UP, carrier_changes=3), ["lost its carrier"]),
        (link(mtu=900), ["has MTU 900 instead of 1500"]),
        (link(mac="02:00:00:00:00:01"), ["has MAC address 02:00:00:00:00:01 instead of 22:22:22:22:22:22"]),
        (link(flags=UP | LOWER_UP | NO_ARP), ["had ARP switched off"]),
        (link(name="eth7"), ["was renamed to eth7"]),
        (link(xdp=5), ["has XDP program 5 (generic) instead of none"]),
        (link(master=9), ["was put under interface 9"]),
    ],
)
def test_each_change_is_told_and_so_is_its_end(body: bytes, what: list[str]) -> None:
    """Once: the next message that says the same is no change; going back is one."""
    view = found()
    assert what == told(view.take(rtnl.NEW_LINK, body))
    assert [] == view.take(rtnl.NEW_LINK, body)
    changes = 4 if "lost its carrier" in what else 2
    assert len(what) == len(view.take(rtnl.NEW_LINK, link(carrier_changes=changes)))


def test_a_carrier_that_went_and_came_between_two_messages_is_told() -> None:
    """The kernel counts its changes."""
    assert ["lost its carrier and got it back"] == told(found().take(rtnl.NEW_LINK, link(carrier_changes=4)))


def test_what_is_not_known_of_a_fresh_interface_is_no_change() -> None:
    """The XDP program is the forwarder's, whichever it is, and the kernel counts carriers from the making on."""
    view = NamespaceView({"veth1": VETH1._replace(xdp=None)})
    view.begin()
    assert [] == view.take(rtnl.NEW_LINK, link(xdp=5, carrier_changes=2))
    assert ["has no XDP program instead of XDP program 5 (generic)"] == told(view.take(rtnl.NEW_LINK, link()))


def test_a_program_is_a_change_also_in_the_first_message() -> None:
    """Nobody put one at a fresh interface that needs none; and where one must be, there is one."""
    assert ["has XDP program 5 (generic) instead of none"] == told(fresh().take(rtnl.NEW_LINK, link(xdp=5)))
    view = NamespaceView({"veth1": VETH1._replace(xdp=None)})
    view.begin()
    assert ["has no XDP program instead of the forwarder's"] == told(view.take(rtnl.NEW_LINK, link()))


def test_carriers_are_counted() -> None:
    """However the beginning was known."""
    for view in (fresh(), found()):
        view.take(rtnl.NEW_LINK, link(flags=UP, carrier_changes=3))
        view.take(rtnl.NEW_LINK, link(carrier_changes=4))
        assert 2 == view.interfaces["veth1"].carrier_changes


def test_an_interface_that_goes_is_told_of_with_how() -> None:
    """Deleted, or moved elsewhere; what comes in its place is another one."""
    view = fresh()
    assert [EndChange("veth1", "was moved to another namespace", gone=True)] == view.take(
        rtnl.DEL_LINK, link(moved=True)
    )
    assert not view.interfaces["veth1"].same
    assert ["was made anew, with index 23"] == told(view.take(rtnl.NEW_LINK, link(index=23)))
    assert not view.interfaces["veth1"].same
    assert [EndChange("veth1", "was deleted", gone=True)] == view.take(rtnl.DEL_LINK, link(index=23))


def test_a_namesake_is_not_taken_for_an_interface_that_was_renamed() -> None:
    """The one that is watched is known by its number."""
    view = fresh()
    view.take(rtnl.NEW_LINK, link(name="eth7"))
    assert [] == view.take(rtnl.NEW_LINK, link(index=23))
    assert [] == view.take(rtnl.DEL_LINK, link(index=23))
    assert ["was deleted"] == told(view.take(rtnl.DEL_LINK, link(name="eth7")))


def test_an_interface_on_top_is_told_of() -> None:
    """It may take what comes in; one that stands on another, or on one with that number elsewhere, is nobody's here."""
    view = fresh()
    top = link(index=70, name="top", kind="macvlan", lower=22, lower_is_here=True)
    assert [] == view.take(rtnl.NEW_LINK, link(index=71, name="aside", lower=22))
    assert [] == view.take(rtnl.NEW_LINK, link(index=72, name="aside", lower=23, lower_is_here=True))
    assert ["was given interface top (macvlan) on top of it"] == told(view.take(rtnl.NEW_LINK, top))
    assert [] == view.take(rtnl.NEW_LINK, top)
    assert ["lost interface top (macvlan) on top of it"] == told(view.take(rtnl.DEL_LINK, top))
    view.list_begins(rtnl.GET_LINK)
    assert [] == view.take(rtnl.NEW_LINK, link())
    assert ["was given interface top (macvlan) on top of it"] == told(view.take(rtnl.NEW_LINK, top))
    assert [] == view.list_ends()
    view.list_begins(rtnl.GET_LINK)
    assert [] == view.take(rtnl.NEW_LINK, link())
    assert ["lost interface top (macvlan) on top of it"] == told(view.list_ends())


def test_a_listing_shows_what_was_not_told() -> None:
    """Whether messages were dropped, or the kernel has none for it."""
    view = fresh()
    view.list_begins(rtnl.GET_LINK)
    assert ["has MTU 900 instead of 1500"] == told(view.take(rtnl.NEW_LINK, link(mtu=900)))
    assert [] == view.list_ends()
    view.list_begins(rtnl.GET_LINK)
    assert [EndChange("veth1", "was deleted", gone=True)] == view.list_ends()
    view.list_begins(rtnl.GET_LINK)
    assert [] == view.list_ends()


def test_disciplines_come_change_and_go() -> None:
    """Those that the kernel gives of itself are none; a listing is no change."""
    view = fresh()
    assert [] == view.take(rtnl.DEL_QDISC, qdisc("noqueue", handle=0))
    assert ["was given qdisc tbf"] == told(view.take(rtnl.NEW_QDISC, qdisc("tbf")))
    assert ["had its qdisc tbf changed"] == told(view.take(rtnl.NEW_QDISC, qdisc("tbf")))
    view.list_begins(rtnl.GET_QDISC)
    assert [] == view.take(rtnl.NEW_QDISC, qdisc("tbf"))
    assert [] == view.list_ends()
    assert ["lost qdisc tbf"] == told(view.take(rtnl.DEL_QDISC, qdisc("tbf")))
    assert [] == view.take(rtnl.NEW_QDISC, qdisc("tbf", index=70))
    view.take(rtnl.NEW_QDISC, qdisc("tbf"))
    view.list_begins(rtnl.GET_QDISC)
    assert ["lost qdisc tbf"] == told(view.list_ends())


@pytest.mark.parametrize(
    ("parent", "words", "side"),
    [
        (rtnl.AT_INGRESS, "ingress", "ingress"),
        (rtnl.AT_INGRESS_ALONE, "ingress", "ingress"),
        (rtnl.AT_EGRESS, "egress", "egress"),
        (0x80010000, "qdisc", "ingress"),
    ],
)
def test_drops_at_clsact_are_on_the_side_that_is_filtered(parent: int, words: str, side: str) -> None:
    """It has one count for both; who may have dropped an incoming frame is not let off."""
    view = fresh()
    view.take(rtnl.NEW_QDISC, qdisc("clsact", rtnl.HOOKS, 0xFFFF0000))
    assert [f"was given a tc filter (bpf) at its {words}"] == told(view.take(rtnl.NEW_FILTER, tc_filter(parent)))
    assert [f"lost a tc filter (bpf) at its {words}"] == told(view.take(rtnl.DEL_FILTER, tc_filter(parent)))
    view.take(rtnl.NEW_QDISC, qdisc("clsact", rtnl.HOOKS, 0xFFFF0000, drops=7))
    veth1 = view.interfaces["veth1"]
    assert 7 == veth1.drops("ingress") + veth1.drops("egress")
    assert 7 == veth1.drops("egress" if side == "egress" else "ingress")


def test_drops_of_filters_on_both_sides_count_as_incoming() -> None:
    """Which of them dropped is not known."""
    view = fresh()
    view.take(rtnl.NEW_QDISC, qdisc("clsact", rtnl.HOOKS, 0xFFFF0000, drops=7))
    view.take(rtnl.NEW_FILTER, tc_filter(rtnl.AT_EGRESS))
    view.take(rtnl.NEW_FILTER, tc_filter(rtnl.AT_INGRESS))
    assert (7, 0) == (view.interfaces["veth1"].drops("ingress"), view.interfaces["veth1"].drops("egress"))


def test_drops_outlive_the_discipline_that_counted_them() -> None:
    """Its last message has the count. What came before the beginning is not among them, and 32 bits may run over."""
    view = NamespaceView({"veth1": None})
    view.take(rtnl.NEW_LINK, link())
    view.take(rtnl.NEW_QDISC, qdisc("tbf", drops=2**32 - 3))
    view.begin()
    view.take(rtnl.DEL_QDISC, qdisc("tbf", drops=4))
    view.take(rtnl.NEW_QDISC, qdisc("htb", drops=0))
    view.take(rtnl.NEW_QDISC, qdisc("pfifo", parent=0x80010001, handle=0x100000, drops=5))  # inside htb, which has them
    view.take(rtnl.NEW_QDISC, qdisc("htb", drops=5))
    assert 7 + 5 == view.interfaces["veth1"].drops("egress")
    view.take(rtnl.DEL_LINK, link())
    assert 7 + 5 == view.interfaces["veth1"].drops("egress")


def test_counters_are_of_the_time_since_the_beginning() -> None:
    """And of one interface: what another of its name counted is not added."""
    view = found(tx_packets=100)
    view.take(rtnl.NEW_LINK, link(tx_packets=107))
    assert 7 == view.interfaces["veth1"].counted.tx_packets
    view.take(rtnl.DEL_LINK, link())
    assert 0 == view.interfaces["veth1"].counted.tx_packets
    view.take(rtnl.NEW_LINK, link(index=23, tx_packets=5))
    assert 0 == view.interfaces["veth1"].counted.tx_packets


def test_a_change_of_features_is_to_be_looked_at() -> None:
    """The message does not say which."""
    view = fresh()
    assert [] == view.take(rtnl.NEW_LINK, link(event=rtnl.FEATURES_EVENT))
    assert {"veth1"} == view.other_features
