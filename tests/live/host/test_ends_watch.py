"""Whatever somebody does to the ends of a link is heard when it is done, and nothing else is."""

from __future__ import annotations

import ctypes
import fcntl
import platform
import queue
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from truth.programs import hook

from plctl.agent.kernel.link_namespaces import LinkNamespaces, build, open_socket, remove
from plctl.agent.ownership.ledger import Ledger
from plctl.agent.watch.ends_watch import EndsWatch, finish
from plctl.agent.watch.listener import Listener
from plctl.agent.watch.namespace_watch import NamespaceWatch
from plctl.common.base.units import NS_PER_MS
from plctl.common.host.facts import parse_release
from plctl.common.plan.run_plan import LinkPlan
from plctl.common.telemetry.samples import LinkStats
from plctl.common.telemetry.witness import InterfaceChange, InterfaceWatch

PATIENCE_S = 10
#: How long after it is done a change may be heard. It takes a millisecond, on a machine that is not busy.
SOON_NS = 100 * NS_PER_MS
SIOCETHTOOL, ETHTOOL_STXCSUM = 0x8946, 0x17  # linux/ethtool.h
DROP = "bpf direct-action bytecode 1,6\\ 0\\ 0\\ 2"  #: everything: returns TC_ACT_SHOT
PASS = "bpf direct-action bytecode 1,6\\ 0\\ 0\\ 0"


@pytest.fixture
def listener() -> Iterator[Listener]:
    """Ends with the test."""
    made = Listener()
    yield made
    made.close()


@pytest.fixture
def built(namespaces: LinkNamespaces, plan: LinkPlan, ledger: Ledger) -> Iterator[LinkNamespaces]:
    """A link that nobody forwards."""
    build(namespaces, plan, ledger)
    yield namespaces
    remove(namespaces, ledger)


@pytest.fixture(params=["just built", "of long ago"])
def known(request: pytest.FixtureRequest, plan: LinkPlan) -> LinkPlan | None:
    """What the watch knows of the link from before."""
    return plan if request.param == "just built" else None


class Watched:
    """A watch over a link, and what it told."""

    def __init__(self, namespaces: LinkNamespaces, listener: Listener, plan: LinkPlan | None) -> None:
        self.namespaces = namespaces
        self.told: queue.SimpleQueue[InterfaceChange] = queue.SimpleQueue()
        self.watch = EndsWatch(namespaces, LinkStats, listener, self.told.put, plan)

    def do(self, command: str) -> int:
        """Run `command`, with the namespaces' names in it filled in; when it was through."""
        names = {"client": self.namespaces.client, "link": self.namespaces.link, "server": self.namespaces.server}
        subprocess.run(["bash", "-c", command.format(**names)], check=True)
        return time.monotonic_ns()

    def hear(self) -> InterfaceChange:
        """The next change that is told."""
        return self.told.get(timeout=PATIENCE_S)

    def hear_all(self, *expected: tuple[str, str]) -> None:
        """Just these, in any order, though no more than one namespace's order is known."""
        assert sorted(expected) == sorted((each.interface, each.what) for each in (self.hear() for _ in expected))

    def finish(self) -> InterfaceWatch:
        """What was seen in all; without counters, as nobody forwards."""
        finish([self.watch], patience_ns=0)
        return self.watch.result()


@contextmanager
def watched(namespaces: LinkNamespaces, listener: Listener, plan: LinkPlan | None) -> Iterator[Watched]:
    """A watch that ends with the block."""
    made = Watched(namespaces, listener, plan)
    try:
        yield made
    finally:
        made.watch.close()


@contextmanager
def hooked(netns: str, interface: str, hook_name: str) -> Iterator[bool]:
    """A program of tcx or xdp at the ingress of an interface; yields whether the kernel has such a thing."""
    command = ["ip", "netns", "exec", netns, sys.executable, "-I", "-S", hook.__file__, hook_name, interface, "60"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdout is not None
        try:
            exists = process.stdout.readline() == b"attached\n"
            assert exists == (hook_name == "xdp" or parse_release(platform.release()) >= (6, 6))
            yield exists
        finally:
            process.kill()


@pytest.mark.undisturbed
@pytest.mark.parametrize(
    ("command", "expected"),
    [
        (
            "ip -n {link} link set sim-veth2 down",
            [("sim-veth2", "went down"), ("sim-veth2", "lost its carrier"), ("veth2", "lost its carrier")],
        ),
        ("ip -n {client} link set veth1 mtu 900", [("veth1", "has MTU 900 instead of 1500")]),
        (
            "ip -n {server} link set veth2 address 02:00:00:00:00:01",
            [("veth2", "has MAC address 02:00:00:00:00:01 instead of 66:66:66:66:66:66")],
        ),
        ("ip -n {client} link set veth1 arp off", [("veth1", "had ARP switched off")]),
        (
            "ip -n {client} link set veth1 name eth7",
            [("veth1", "was renamed to eth7")],
        ),
        (
            "tc -n {client} qdisc add dev veth1 root tbf rate 1gbit burst 9000 limit 90000",
            [("veth1", "was given qdisc tbf")],
        ),
        (
            "ip -n {server} link add link veth2 name top type macvlan mode passthru",
            [("veth2", "was given interface top (macvlan) on top of it")],
        ),
        (
            f"tc -n {{server}} qdisc add dev veth2 clsact && tc -n {{server}} filter add dev veth2 ingress {DROP}",
            [("veth2", "was given qdisc clsact"), ("veth2", "was given a tc filter (bpf) at its ingress")],
        ),
        (
            f"tc -n {{link}} qdisc add dev sim-veth1 clsact && tc -n {{link}} filter add dev sim-veth1 egress {PASS}",
            [("sim-veth1", "was given qdisc clsact"), ("sim-veth1", "was given a tc filter (bpf) at its egress")],
        ),
    ],
)
def test_each_change_is_heard_when_it_is_made(
    built: LinkNamespaces, known: LinkPlan | None, listener: Listener, command: str, expected: list[tuple[str, str]]
) -> None:
    """By the link that it happens to, built just now or long ago; beside it nothing is told, then and at the end."""
    with watched(built, listener, known) as link:
        began_ns = time.monotonic_ns()
        ended_ns = link.do(command)
        link.hear_all(*expected)
        found = link.finish()
        assert link.told.empty()
    assert all(began_ns <= each.at_ns <= ended_ns + SOON_NS for each in found.changes)
    assert (len(expected), 0, 0) == (len(found.changes), found.more_changes, found.missed_events)


@pytest.mark.undisturbed
@pytest.mark.parametrize(
    ("command", "twin"),
    [
        ("ip -n {client} link del veth1", "sim-veth1"),
        ("ip -n {link} link del sim-veth1", "veth1"),
        ("ip -n {server} link del veth2", "sim-veth2"),
        ("ip -n {link} link del sim-veth2", "veth2"),
    ],
)
def test_an_interface_that_is_deleted_is_gone_with_its_twin(
    built: LinkNamespaces, plan: LinkPlan, listener: Listener, command: str, twin: str
) -> None:
    """Both are told of, with the moment, and are not there in the end."""
    with watched(built, listener, plan) as link:
        began_ns = time.monotonic_ns()
        ended_ns = link.do(command)
        gone: list[InterfaceChange] = []
        while len(gone) < 2:
            gone += [each for each in (link.hear(),) if each.gone]
        found = link.finish()
    assert {command.rsplit(maxsplit=1)[-1], twin} == {each.interface for each in gone}
    assert {"was deleted"} == {each.what for each in gone}
    assert all(began_ns <= each.at_ns <= ended_ns + SOON_NS for each in gone)
    assert {each.interface for each in gone} == {each.interface for each in found.ends if not each.present}
    assert 1 == len(found.passages) or () == found.passages


def test_an_interface_that_comes_again_is_another_one(
    built: LinkNamespaces, plan: LinkPlan, listener: Listener
) -> None:
    """Though it has the name, and even the number, of the one before."""
    with watched(built, listener, plan) as link:
        link.do("ip -n {link} link del sim-veth1")
        link.do("ip -n {client} link add veth1 index 22 type veth peer name sim-veth1 netns {link}")
        said = set()
        while ("sim-veth1", "was made anew") not in said or ("veth1", "was made anew") not in said:
            change = link.hear()
            said.add((change.interface, change.what.partition(",")[0]))
        found = link.finish()
    assert {("veth1", "was deleted"), ("sim-veth1", "was deleted")} <= said
    assert {"veth1", "sim-veth1"} >= {each.interface for each in found.ends if not each.same_index}


def test_an_interface_that_is_moved_away_is_gone(built: LinkNamespaces, plan: LinkPlan, listener: Listener) -> None:
    """It is not deleted, but it is not where the link needs it."""
    with watched(built, listener, plan) as link:
        link.do("ip -n {client} link set veth1 netns {server}")
        while not (change := link.hear()).gone:
            assert "veth1" in change.interface
        assert ("veth1", "was moved to another namespace") == (change.interface, change.what)


@pytest.mark.parametrize("end", ["client", "link", "server"])
def test_a_namespace_that_loses_its_name_is_told_of(
    built: LinkNamespaces, plan: LinkPlan, listener: Listener, end: str
) -> None:
    """It lives on as long as somebody is inside, and the watch is."""
    with watched(built, listener, plan) as link:
        link.do(f"ip netns del {{{end}}}")
        name = getattr(built, end)
        first = link.hear()
        assert f"is in a namespace that lost its name, {name}" == first.what
        found = link.finish()
    assert all(each.present for each in found.ends)
    assert {"client": 1, "link": 2, "server": 1}[end] == len(found.changes)


def test_offloads_that_falsify_are_told_of(built: LinkNamespaces, plan: LinkPlan, listener: Listener) -> None:
    """Frames would go without checksums."""
    with watched(built, listener, plan) as link, open_socket(built.client, socket.AF_INET, socket.SOCK_DGRAM) as inside:
        for on in (1, 0):
            value = ctypes.create_string_buffer(struct.pack("=II", ETHTOOL_STXCSUM, on), 8)
            fcntl.ioctl(inside, SIOCETHTOOL, struct.pack("16sP16x", b"veth1", ctypes.addressof(value)))
            what = f"had tx-checksum-ip-generic switched {'on' if on else 'off'}"
            while (change := link.hear()).what != what:  # that of SCTP goes with it
                assert "tx-checksum" in change.what
            assert ("veth1", bool(on)) == (change.interface, change.falsifies)


@pytest.mark.parametrize(
    ("hook_name", "what"),
    [("tcx", "was found to have an eBPF program of a bpf link at its ingress"), ("xdp", "has XDP program ")],
)
def test_a_program_that_the_kernel_tells_nobody_of_is_found_in_the_end(
    built: LinkNamespaces, known: LinkPlan | None, listener: Listener, hook_name: str, what: str
) -> None:
    """What bpf links attach; what hangs on tc stands in no listing, and neither counts what it drops."""
    with watched(built, listener, known) as link, hooked(built.server, "veth2", hook_name) as exists:
        found = link.finish()
        with watched(built, listener, None) as later:
            assert () == later.finish().changes
    assert [True] * exists == [each.interface == "veth2" and each.what.startswith(what) for each in found.changes]


def test_what_frames_do_not_notice_is_not_told(built: LinkNamespaces, plan: LinkPlan, listener: Listener) -> None:
    """Captures, addresses, routes, neighbours, and interfaces that are not of the link."""
    with watched(built, listener, plan) as link:
        link.do("ip -n {client} link set veth1 promisc on && ip -n {client} addr add 192.0.2.1/24 dev veth1")
        link.do("ip -n {client} route add 198.51.100.0/24 dev veth1 && ip -n {client} link set veth1 alias mine")
        link.do("ip -n {server} link add aside type veth && ip -n {server} link set aside up mtu 900")
        link.do("tc -n {server} qdisc add dev aside root tbf rate 1gbit burst 9000 limit 90000")
        found = link.finish()
    assert () == found.changes


def test_what_was_there_before_is_not_told(built: LinkNamespaces, listener: Listener) -> None:
    """A link that has stood is watched as it is."""
    commands = (
        "tc -n {client} qdisc add dev veth1 root tbf rate 1gbit burst 9000 limit 90000",
        "ip -n {client} link set veth1 mtu 900",
    )
    for command in commands:
        subprocess.run(["bash", "-c", command.format(client=built.client)], check=True)
    with watched(built, listener, None) as link:
        assert () == link.finish().changes
        assert "tbf" == link.watch.result().ends[0].qdisc


def test_more_changes_than_anybody_reads_are_counted(built: LinkNamespaces, plan: LinkPlan, listener: Listener) -> None:
    """The first are told, and that an interface is gone is told whatever came before."""
    with watched(built, listener, plan) as link:
        link.do("for mtu in {{1000..1099}}; do echo link set sim-veth1 mtu $mtu; done | ip -n {link} -batch -")
        link.do("ip -n {link} link del sim-veth1")
        found = link.finish()
    told = [each for each in found.changes if not each.gone]
    (last,) = [each for each in told[64:] if each.interface == "sim-veth1"]
    assert last.what.startswith("changed again")
    assert told[63].at_ns < last.at_ns
    assert {"sim-veth1", "veth1"} == {each.interface for each in found.changes if each.gone}
    assert 100 <= len(told) + found.more_changes


def test_messages_that_the_kernel_dropped_are_known_to_be_missing(built: LinkNamespaces) -> None:
    """And how things are after them is asked for."""
    with open_socket(built.link, socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) as inside:
        inside.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        watch = NamespaceWatch(built.link, {"sim-veth1": None, "sim-veth2": None}, inside)
        batch = "".join(f"link set sim-veth1 mtu {1000 + number}\n" for number in range(100))
        subprocess.run(["ip", "-n", built.link, "-batch", "-"], input=batch, text=True, check=True)
        assert 0 == watch.missed
        changes = watch.hear()
        assert watch.missed >= 1
        assert changes[-1].what.startswith("has MTU 1099 instead of 10")


def test_listening_costs_a_link_no_thread_and_ends(built: LinkNamespaces, plan: LinkPlan, listener: Listener) -> None:
    """Of two watches over one link, one can end without the other; removing twice is harmless."""
    with watched(built, listener, plan) as one:
        with watched(built, listener, plan) as other:
            other.do("ip -n {client} link set veth1 mtu 1400")
            assert "has MTU 1400 instead of 1500" == other.hear().what == one.hear().what
        one.do("ip -n {client} link set veth1 mtu 1300")
        assert "has MTU 1300 instead of 1400" == one.hear().what
