"""The kernel's messages are read as it writes them; pyroute2, which knows them too, writes them here."""

from __future__ import annotations

import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyroute2.netlink.rtnl.ifinfmsg import IFF_NOARP, IFF_PROMISC, IFF_UP, ifinfmsg
from pyroute2.netlink.rtnl.tcmsg import tcmsg

from plctl.agent.watch.rtnl_messages import (
    AT_INGRESS,
    DONE,
    FEATURES_EVENT,
    GET_LINK,
    HOOKS,
    NEW_LINK,
    Counters,
    FilterState,
    InterfaceState,
    QdiscState,
    dump_request,
    messages,
    parse_error,
    parse_filter,
    parse_link,
    parse_qdisc,
)

_HEADER = struct.Struct("=IHHII")
IFF_LOWER_UP = 0x10000


def body_of(message: Any) -> bytes:
    """What follows the header of a message that pyroute2 encodes."""
    message.encode()
    return bytes(message.data)[_HEADER.size :]


def attribute(kind: int, value: bytes) -> bytes:
    """One, padded."""
    return (struct.pack("=HH", 4 + len(value), kind) + value).ljust((4 + len(value) + 3) & ~3, b"\0")


def link(
    index: int = 22, flags: int = IFF_UP, family: int = 0, attributes: list[tuple[str, Any]] | None = None
) -> bytes:
    """The body of a message about an interface."""
    message = ifinfmsg()
    message["family"] = family
    message["index"] = index
    message["flags"] = flags
    message["attrs"] = attributes or []
    return body_of(message)


def test_an_interface_is_read_with_all_that_is_watched() -> None:
    """Name, state, addresses and counters, among attributes that are not looked at."""
    counters = struct.pack("=25Q", 1, 2, 0, 0, 3, 4, 5, 6, *range(17))
    body = link(
        flags=IFF_UP | IFF_NOARP | IFF_PROMISC | IFF_LOWER_UP,
        attributes=[
            ("IFLA_IFNAME", "veth1"),
            ("IFLA_TXQLEN", 1000),
            ("IFLA_MTU", 9000),
            ("IFLA_ADDRESS", "22:22:22:22:22:22"),
            ("IFLA_CARRIER_CHANGES", 2),
            ("IFLA_MASTER", 7),
        ],
    )
    body += attribute(23, counters) + attribute(44, struct.pack("=I", FEATURES_EVENT))
    state = parse_link(body)
    assert state is not None
    assert (
        InterfaceState(
            ifindex=22,
            name="veth1",
            flags=IFF_UP | IFF_NOARP | IFF_PROMISC | IFF_LOWER_UP,
            mtu=9000,
            mac="22:22:22:22:22:22",
            xdp="",
            master=7,
            carrier_changes=2,
            counters=Counters(1, 2, 3, 4, 5, 6),
            event=FEATURES_EVENT,
        )
        == state
    )
    assert (True, True, False) == (state.is_up, state.has_carrier, state.has_arp)


@pytest.mark.parametrize(
    ("mode", "words"),
    [(0, ""), (1, "XDP program 12 (native)"), (2, "XDP program 12 (generic)"), (4, "XDP program 12 (several)")],
)
def test_an_xdp_program_is_named(mode: int, words: str) -> None:
    """By its number in the kernel, and by where it hangs."""
    nested = attribute(2, bytes([mode])) + attribute(4, struct.pack("=I", 12))
    state = parse_link(link() + attribute(43 | 0x8000, nested))
    assert state is not None
    assert words == state.xdp


def test_what_is_not_about_a_watched_interface_is_left_aside() -> None:
    """lo never is; a bridge tells of its ports in messages of its own family, with half of the attributes."""
    assert parse_link(link(index=1)) is None
    assert parse_link(link(family=7)) is None


def test_moving_to_another_namespace_is_told_from_being_deleted() -> None:
    """The kernel says where it goes."""
    states = parse_link(link()), parse_link(link() + attribute(45, struct.pack("=I", 3)))
    assert [False, True] == [state.moved for state in states if state]


def test_a_fresh_interface_is_as_the_kernel_shows_one() -> None:
    """Up, with its twin; what its number of carrier changes is, and the program of one that has one, is not known."""
    state = InterfaceState.in_use(22, "veth1", 1500, "22:22:22:22:22:22")
    assert InterfaceState.in_use(21, "sim-veth1", 1500, "11:11:11:11:11:11", xdp=True).xdp is None
    assert (True, True, True, "", -1) == (
        state.is_up, state.has_carrier, state.has_arp, state.xdp, state.carrier_changes,
    )  # fmt: skip


def test_a_discipline_is_read_with_its_drops() -> None:
    """They are nested twice."""
    message = tcmsg()
    message["index"], message["handle"], message["parent"] = 66, 0xFFFF0000, HOOKS
    message["attrs"] = [("TCA_KIND", "clsact")]
    queue = attribute(3, struct.pack("=5I", 1, 2, 345, 4, 5))
    basic = attribute(1, struct.pack("=QI", 1000, 10))
    assert QdiscState(66, 0xFFFF0000, HOOKS, "clsact", 345) == parse_qdisc(
        body_of(message) + attribute(7, basic + queue)
    )
    assert QdiscState(66, 0xFFFF0000, HOOKS, "clsact", 0) == parse_qdisc(body_of(message))


def test_a_filter_is_read_with_its_place() -> None:
    """Which side of clsact it is on."""
    message = tcmsg()
    message["index"], message["parent"] = 66, AT_INGRESS
    message["attrs"] = [("TCA_KIND", "bpf")]
    assert FilterState(66, AT_INGRESS, "bpf") == parse_filter(body_of(message))


def test_messages_that_come_together_are_told_apart() -> None:
    """Each with its type, flags and number; the padding between them is skipped."""
    first = _HEADER.pack(_HEADER.size + 5, NEW_LINK, 2, 7, 99) + b"hello" + bytes(3)
    second = _HEADER.pack(_HEADER.size + 4, DONE, 0x10, 8, 99) + bytes(4)
    assert [(NEW_LINK, 2, 7, b"hello"), (DONE, 0x10, 8, bytes(4))] == list(messages(first + second))


def test_requests_ask_for_everything() -> None:
    """A dump: NLM_F_REQUEST and NLM_F_DUMP."""
    ((kind, flags, sequence, body),) = messages(dump_request(GET_LINK, 3))
    assert (GET_LINK, 0x301, 3, 16) == (kind, flags, sequence, len(body))


def test_a_refusal_is_an_errno() -> None:
    """The kernel writes it below zero."""
    assert 16 == parse_error(struct.pack("=i", -16))
    assert 0 == parse_error(struct.pack("=i", 0))


@given(st.binary(max_size=200))
def test_no_bytes_hang_it(data: bytes) -> None:
    """Lengths that the kernel would never write end the reading, or are skipped; nothing runs for ever."""
    assert len(list(messages(data))) <= len(data) // _HEADER.size
