"""The namespaces of a link: what is in them, that nothing else changes, and that they go without a trace."""

from __future__ import annotations

import contextlib
import os
import select
import socket
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import astuple, replace
from itertools import repeat
from pathlib import Path
from typing import Any

import pytest
from pyroute2 import IPRoute

from plctl.agent.kernel import link_namespaces, namespace, veth
from plctl.agent.kernel.link_namespaces import NETNS_DIR, LinkNamespaces, build, open_socket, remove
from plctl.agent.kernel.offload import active_features, is_falsifying
from plctl.agent.ownership.ledger import Ledger
from plctl.common.base.errors import BusyError, KernelError
from plctl.common.base.units import RATE_UNLIMITED
from plctl.common.host.state import Owner
from plctl.common.plan.run_plan import LinkPlan
from plctl.common.scenario.schedule import Row, Schedule

ETH_P_ALL = 0x0003
FOUR_ENDS = [("client", "veth1"), ("link", "sim-veth1"), ("link", "sim-veth2"), ("server", "veth2")]
NAMES_V4 = (link_namespaces.CLIENT_IPV4, link_namespaces.SERVER_IPV4)
NAMES_V6 = (link_namespaces.CLIENT_IPV6, link_namespaces.SERVER_IPV6)


@pytest.fixture
def built(namespaces: LinkNamespaces, plan: LinkPlan, ledger: Ledger) -> Iterator[LinkNamespaces]:
    """A link that stands during the test."""
    build(namespaces, plan, ledger)
    yield namespaces
    remove(namespaces, ledger)


def ask(name: str, question: Callable[[IPRoute], Any]) -> Any:
    """What the kernel answers inside the namespace `name`."""

    def inside() -> Any:
        with IPRoute() as kernel:
            return question(kernel)

    return namespace.run_inside(name, inside)


def interfaces(name: str) -> dict[str, Any]:
    """The interfaces of a namespace by name."""
    return {link.get("ifname"): link for link in ask(name, lambda kernel: list(kernel.get_links()))}


def read_sysctl(name: str, path: str) -> str:
    """A setting as a process in the namespace sees it."""
    return str(namespace.run_inside(name, lambda: Path("/proc/sys/net", path).read_text().strip()))


def host_settings() -> dict[str, str]:
    """Every readable setting below /proc/sys/net that is not a gauge."""
    settings = {}
    for path in Path("/proc/sys/net").rglob("*"):
        if path.is_file() and path.name not in ("nf_conntrack_count", "random_entropy"):
            try:
                settings[str(path)] = path.read_text()
            except OSError as error:  # write-only, or empty on purpose
                settings[str(path)] = os.strerror(error.errno or 0)
    return settings


class Pump:
    """The simplest forwarder: carries every frame between the two inner ends at once, in the test's own thread."""

    def __init__(self, namespaces: LinkNamespaces) -> None:
        self.ends = [
            open_socket(namespaces.link, socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL)) for _ in "12"
        ]
        for end, interface in zip(
            self.ends, (link_namespaces.LINK_CLIENT_INTERFACE, link_namespaces.LINK_SERVER_INTERFACE), strict=True
        ):
            end.bind((interface, 0))
        self.seen: list[bytes] = []

    def run_until(self, ready: socket.socket, patience_s: float = 10) -> None:
        """Carry frames until `ready` has something to read."""
        while True:
            readable, _, _ = select.select([*self.ends, ready], [], [], patience_s)
            assert readable, f"nothing happened for {patience_s} s; frames so far: {[f.hex() for f in self.seen]}"
            for end in readable:
                if end in self.ends:
                    self._carry(end)
            if ready in readable:
                return

    def close(self) -> None:
        """Close both ends."""
        for end in self.ends:
            end.close()

    def _carry(self, end: socket.socket) -> None:
        frame, address = end.recvfrom(65536)
        if address[2] != socket.PACKET_OUTGOING:
            self.seen.append(frame)
            self.ends[1 - self.ends.index(end)].send(frame)


@pytest.fixture
def pump(built: LinkNamespaces) -> Iterator[Pump]:
    """A forwarder on the built link."""
    pump = Pump(built)
    yield pump
    pump.close()


def test_the_names_say_whose_link_it_is() -> None:
    """Agent, run and link can be read off every namespace."""
    names = ("pl-7f3-r1-leo-0-client", "pl-7f3-r1-leo-0-link", "pl-7f3-r1-leo-0-server")
    assert names == astuple(LinkNamespaces.named("7f3", "r1", "leo-0"))


def test_each_namespace_holds_its_interfaces_and_no_others(built: LinkNamespaces) -> None:
    """Two veth pairs, three namespaces, loopback; phantomlink's MAC addresses."""
    assert {"lo", "veth1"} == set(interfaces(built.client))
    assert {"lo", "veth2"} == set(interfaces(built.server))
    assert {"lo", "sim-veth1", "sim-veth2"} == set(interfaces(built.link))
    addresses = {name: interfaces(getattr(built, where))[name].get("address") for where, name in FOUR_ENDS}
    assert addresses == {
        "veth1": "22:22:22:22:22:22",
        "sim-veth1": "44:22:22:22:22:22",
        "sim-veth2": "44:66:66:66:66:66",
        "veth2": "66:66:66:66:66:66",
    }


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ("client", {"127.0.0.1", "::1", link_namespaces.CLIENT_IPV4, link_namespaces.CLIENT_IPV6}),
        ("server", {"127.0.0.1", "::1", link_namespaces.SERVER_IPV4, link_namespaces.SERVER_IPV6}),
        ("link", set()),
    ],
)
def test_addresses_are_those_promised_and_no_more(built: LinkNamespaces, where: str, expected: set[str]) -> None:
    """IPv4 as phantomlink's, one unique local IPv6 address an end, no link-local ones, none inside the link."""
    found = ask(getattr(built, where), lambda kernel: [a.get("address") for a in kernel.get_addr()])
    assert expected == set(found)


@pytest.mark.parametrize("mtu", [1280, 1500, 9000])
def test_all_four_ends_have_the_mtu_of_the_plan(
    namespaces: LinkNamespaces, plan: LinkPlan, ledger: Ledger, mtu: int
) -> None:
    """A frame that fits at one end fits at all."""
    build(namespaces, replace(plan, mtu=mtu), ledger)
    assert [mtu] * 4 == [interfaces(getattr(namespaces, where))[name].get("mtu") for where, name in FOUR_ENDS]
    remove(namespaces, ledger)


def test_no_end_has_an_offload_that_would_falsify_frames(built: LinkNamespaces) -> None:
    """No super-frames, no missing checksums, no VLAN tags beside the frame."""
    for where, name in FOUR_ENDS:
        with open_socket(getattr(built, where), socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
            assert [] == [f for f in active_features(any_socket, name) if is_falsifying(f)]


def test_nothing_on_the_host_changes(namespaces: LinkNamespaces, plan: LinkPlan, ledger: Ledger) -> None:
    """Settings and interfaces of the host are the same before, during and after a link that wants large buffers."""

    def host() -> tuple[list[Any], dict[str, str]]:
        with IPRoute() as kernel:
            names = [link.get("ifname") for link in kernel.get_links()]
            return [*names, *(str(r) for r in kernel.get_routes())], host_settings()

    long_fat = Schedule((Row(0, 0, 300_000_000, 10_000_000_000),))
    before = host()
    build(namespaces, replace(plan, up=long_fat), ledger)
    assert before == host()
    remove(namespaces, ledger)
    assert before == host()


@pytest.mark.parametrize("rate_bps", [1_000_000_000, RATE_UNLIMITED])
def test_tcp_buffers_hold_three_times_the_larger_bdp(
    rate_bps: int, namespaces: LinkNamespaces, plan: LinkPlan, ledger: Ledger
) -> None:
    """1 Gbit/s × 2 × 150 ms is 37.5 MB, so the largest buffer is 112.5 MB; smallest and initial sizes stay.

    An unlimited rate is no reason for smaller buffers than a gigabit a second has.
    """
    long_fat = Schedule((Row(0, 0, 150_000_000, rate_bps),))
    build(namespaces, replace(plan, down=long_fat), ledger)
    for name in (namespaces.client, namespaces.server):
        for path in ("ipv4/tcp_rmem", "ipv4/tcp_wmem"):
            host = Path("/proc/sys/net", path).read_text().split()
            assert [*host[:2], "112500000"] == read_sysctl(name, path).split()
    remove(namespaces, ledger)


def test_tcp_buffers_are_never_lowered(built: LinkNamespaces) -> None:
    """A small BDP leaves the kernel's own limits."""
    for path in ("ipv4/tcp_rmem", "ipv4/tcp_wmem"):
        assert Path("/proc/sys/net", path).read_text().split() == read_sysctl(built.client, path).split()


def talk(namespaces: LinkNamespaces, pump: Pump, family: int, ends: tuple[str, str]) -> None:
    """One datagram from client to server and its answer."""
    with (
        open_socket(namespaces.client, family, socket.SOCK_DGRAM) as client,
        open_socket(namespaces.server, family, socket.SOCK_DGRAM) as server,
    ):
        server.bind((ends[1], 9))
        client.sendto(b"ping", (ends[1], 9))
        pump.run_until(server)
        question, sender = server.recvfrom(99)
        assert (b"ping", ends[0]) == (question, sender[0])
        server.sendto(b"pong", sender)
        pump.run_until(client)
        assert b"pong" == client.recv(99)


@pytest.mark.parametrize(("family", "ends"), [(socket.AF_INET, NAMES_V4), (socket.AF_INET6, NAMES_V6)])
def test_static_links_carry_nothing_but_what_applications_send(
    built: LinkNamespaces, pump: Pump, family: int, ends: tuple[str, str]
) -> None:
    """The first frame on the link is the application's first, and the second is the answer."""
    talk(built, pump, family, ends)
    payloads = [frame[-4:] for frame in pump.seen]
    assert [b"ping", b"pong"] == payloads


def test_static_links_have_no_group_membership_to_report(built: LinkNamespaces) -> None:
    """Membership reports are what an idle IPv6 interface would send; the kernel has no cause to."""
    groups = namespace.run_inside(built.client, lambda: Path("/proc/thread-self/net/igmp6").read_text().splitlines())
    of_interface = {line.split()[2] for line in groups if line.split()[1] == link_namespaces.CLIENT_INTERFACE}
    all_nodes = {"ff02" + "0" * 27 + "1", "ff01" + "0" * 27 + "1"}
    assert of_interface <= all_nodes, "a group beyond these two is reported to the network"


def test_on_static_links_everything_else_is_resolved_as_on_any_ethernet(built: LinkNamespaces, pump: Pump) -> None:
    """A broadcast carries the broadcast address, and an address that somebody adds later is asked for and answers."""
    added = "192.168.66.3"
    subprocess.run(["ip", "-n", built.server, "address", "add", f"{added}/24", "dev", "veth2"], check=True)
    with open_socket(built.client, socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        client.sendto(b"anybody", ("255.255.255.255", 9))
    talk(built, pump, socket.AF_INET, (NAMES_V4[0], added))

    broadcast, asked, answered, *rest = pump.seen
    assert (b"\xff" * 6, b"anybody") == (broadcast[:6], broadcast[-7:])
    assert [b"\x08\x06"] * 2 == [frame[12:14] for frame in (asked, answered)], "ARP"
    assert [b"ping", b"pong"] == [frame[-4:] for frame in rest]


@pytest.mark.parametrize(("family", "ends"), [(socket.AF_INET, NAMES_V4), (socket.AF_INET6, NAMES_V6)])
def test_with_dynamic_arp_the_ends_find_each_other(
    namespaces: LinkNamespaces, plan: LinkPlan, ledger: Ledger, family: int, ends: tuple[str, str]
) -> None:
    """ARP and neighbour discovery cross the link and are answered."""
    build(namespaces, replace(plan, arp="dynamic"), ledger)
    pump = Pump(namespaces)
    talk(namespaces, pump, family, ends)
    pump.close()
    assert b"ping" != pump.seen[0][-4:], "the neighbour was asked for before the datagram went out"
    remove(namespaces, ledger)


def test_a_taken_name_is_left_alone_and_the_rest_removed(
    namespaces: LinkNamespaces, plan: LinkPlan, ledger: Ledger, owner: Any
) -> None:
    """The last of the three names belongs to somebody else: they keep it, we keep nothing."""
    others = Ledger(owner.path / "somebody-else.jsonl")
    namespace.prepare_folder()
    namespace.run_in_thread(lambda: namespace.create(namespaces.link, others))
    inode = (NETNS_DIR / namespaces.link).stat().st_ino
    with pytest.raises(BusyError, match=f"the namespace {namespaces.link} exists already"):
        build(namespaces, plan, ledger)
    assert [] == ledger.entries()
    assert not (NETNS_DIR / namespaces.client).exists()
    assert inode == (NETNS_DIR / namespaces.link).stat().st_ino
    entry = others.find("netns", namespaces.link)
    assert entry
    assert namespace.remove(entry, others)
    others.close()


def test_a_refused_step_is_named_and_everything_is_removed(
    namespaces: LinkNamespaces, plan: LinkPlan, ledger: Ledger
) -> None:
    """An impossible MTU fails half-way; the message says which step, and no namespace stays."""
    with pytest.raises(KernelError, match=f"cannot move veth1 into {namespaces.client}: Invalid argument"):
        build(namespaces, replace(plan, mtu=100_000), ledger)
    assert [] == ledger.entries()
    assert [] == [name for name in astuple(namespaces) if (NETNS_DIR / name).exists()]


def test_a_kernel_without_veth_is_told_what_it_lacks(
    namespaces: LinkNamespaces, plan: LinkPlan, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The kernel's answer to an interface type that it does not know names the module and how to load it."""
    real = veth.pair_request

    def unknown_kind(*arguments: Any) -> Any:
        request = real(*arguments)
        return replace(request, data=request.data.replace(b"veth\0", b"vexx\0"))

    monkeypatch.setattr(veth, "pair_request", unknown_kind)
    with pytest.raises(KernelError, match="modprobe veth"):
        build(namespaces, plan, ledger)


def test_building_twice_is_refused_and_harms_nothing(built: LinkNamespaces, plan: LinkPlan, ledger: Ledger) -> None:
    """The standing link survives the attempt."""
    with pytest.raises(BusyError, match="exists already"):
        build(built, plan, ledger)
    assert {"lo", "veth1"} == set(interfaces(built.client))


def test_removing_twice_does_nothing_the_second_time(
    namespaces: LinkNamespaces, plan: LinkPlan, ledger: Ledger
) -> None:
    """Teardown may be repeated."""
    build(namespaces, plan, ledger)
    remove(namespaces, ledger)
    remove(namespaces, ledger)
    assert [] == ledger.entries()
    assert [] == [name for name in astuple(namespaces) if (NETNS_DIR / name).exists()]


def test_a_strangers_namespace_of_a_recorded_name_survives(ledger: Ledger, owner: Any, unique: str) -> None:
    """The name is ours by the ledger, the namespace behind it is not: it stays."""
    name = f"pl-{unique}-stranger"
    others = Ledger(owner.path / "somebody-else.jsonl")
    namespace.prepare_folder()
    namespace.run_in_thread(lambda: namespace.create(name, others))
    ledger.record("netns", name, inode=1)
    recorded = ledger.find("netns", name)
    assert recorded
    assert not namespace.remove(recorded, ledger)
    assert (NETNS_DIR / name).exists()
    theirs = others.find("netns", name)
    assert theirs
    namespace.remove(theirs, others)
    others.close()


@pytest.mark.parametrize(("mode", "goes"), [(namespace.PLACEHOLDER_MODE, True), (0, False)])
def test_a_name_without_a_namespace_goes_only_if_we_made_it(ledger: Ledger, unique: str, mode: int, goes: bool) -> None:
    """We were killed between making the file and mounting upon it; `ip netns add` leaves another mode there."""
    path = NETNS_DIR / f"pl-{unique}-placeholder"
    namespace.prepare_folder()
    ledger.record("netns", path.name, inode=1)
    path.touch()
    path.chmod(mode)
    entry = ledger.find("netns", path.name)
    assert entry
    assert goes == namespace.remove(entry, ledger)
    assert goes != path.exists()
    path.unlink(missing_ok=True)


def test_many_links_may_be_built_at_once(plan: LinkPlan, ledger: Ledger, unique: str) -> None:
    """Threads do not get in each other's way."""
    all_namespaces = [LinkNamespaces.named("agent", unique, f"leo-{i}") for i in range(8)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda namespaces: build(namespaces, plan, ledger), all_namespaces))
        assert [{"lo", "veth1"}] * 8 == [set(interfaces(namespaces.client)) for namespaces in all_namespaces]
        list(pool.map(lambda namespaces: remove(namespaces, ledger), all_namespaces))
    assert [] == ledger.entries()


def hears_itself(name: str, address: str) -> bool:
    """Whether the namespace `name` receives at its IPv6 address."""
    with open_socket(name, socket.AF_INET6, socket.SOCK_DGRAM) as end:
        end.settimeout(1)
        end.bind((address, 0))
        end.sendto(b"?", end.getsockname())
        with contextlib.suppress(TimeoutError):
            return end.recv(1) == b"?"
    return False


def build_and_hear(namespaces: LinkNamespaces, plan: LinkPlan, ledger_path: Path) -> list[bool]:
    """Whether the ends of a link receive as soon as it is built; takes it away again."""
    with contextlib.closing(Ledger(ledger_path)) as ledger:
        build(namespaces, plan, ledger)
        heard = [
            hears_itself(namespaces.client, link_namespaces.CLIENT_IPV6),
            hears_itself(namespaces.server, link_namespaces.SERVER_IPV6),
        ]
        remove(namespaces, ledger)
    return heard


def test_a_link_receives_as_soon_as_it_is_built(plan: LinkPlan, ledger: Ledger, owner: Owner, unique: str) -> None:
    """However busy the kernel is with links that other processes build."""
    all_namespaces = [LinkNamespaces.named("agent", unique, f"leo-{i}") for i in range(40)]
    with ProcessPoolExecutor(8) as pool:
        heard = list(pool.map(build_and_hear, all_namespaces, repeat(plan), repeat(owner.ledger_path)))
    assert [[True, True]] * len(all_namespaces) == heard
    assert [] == ledger.entries()


def test_a_missing_namespace_is_named(unique: str) -> None:
    """The message says which namespace was to be entered and why it could not."""
    with pytest.raises(KernelError, match=f"cannot enter the namespace pl-{unique}-none: No such file or directory"):
        open_socket(f"pl-{unique}-none", socket.AF_INET, socket.SOCK_DGRAM)
