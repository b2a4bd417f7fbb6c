"""What a laboratory is designed to be."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

import pytest

from plctl.agent.lab.delay import Delay
from plctl.agent.lab.design import HOSTS_MAX, AccessLink, LabDesign, design
from plctl.common.base.errors import UserError


def test_hosts_have_addresses_and_clocks_of_their_own() -> None:
    """In the largest laboratory no two hosts share an address, a name, a namespace or a clock."""
    hosts = design("lab", HOSTS_MAX, {}, seed=1).hosts
    count = HOSTS_MAX + 2
    for values in (
        {h.ipv4 for h in hosts},
        {h.ipv6 for h in hosts},
        {h.mac for h in hosts},
        {h.netns for h in hosts},
        {h.monotonic_offset_ns for h in hosts},
    ):
        assert count == len(values)
    assert all(ip_address(h.ipv4) in ip_network("10.77.0.0/24") for h in hosts)
    assert ["h1", "h2", "controller", "workstation"] == [hosts[i].name for i in (0, 1, -2, -1)]


def test_the_clock_that_counts_suspension_is_never_behind_the_one_that_does_not() -> None:
    """As on any machine, and nothing is ever before the start of the machine."""
    hosts = design("lab", 50, {}, seed=2).hosts
    assert all(0 <= h.monotonic_offset_ns <= h.boottime_offset_ns for h in hosts)


def test_the_seed_decides_the_clocks() -> None:
    """An experiment can be done again with the same clocks."""
    assert design("lab", 3, {}, seed=3) == design("lab", 3, {}, seed=3)
    assert design("lab", 3, {}, seed=3) != design("lab", 3, {}, seed=4)


def test_only_hosts_with_a_delay_get_a_link() -> None:
    """The forwarder has nothing to do with the others."""
    made = design("lab", 2, {"h2": AccessLink(down=Delay(7))}, seed=5)
    (host,) = made.delayed
    plan = host.link_plan(made.seed)
    assert ("h2", 0, 7) == (host.name, plan.up.rows[0].delay_ns, plan.down.rows[0].delay_ns)


def test_directions_vary_independently() -> None:
    """Else two packets that cross would always meet the same delay."""
    delay = Delay(5_000_000, 1_000_000)
    (host,) = design("lab", 1, {"h1": AccessLink(delay, delay)}, seed=6).delayed
    assert host.link_plan(6).up != host.link_plan(6).down


def test_a_design_survives_its_document() -> None:
    """What the keeper and later commands read is what was designed."""
    made = design("lab", 2, {"h1": AccessLink(Delay(1, 2), Delay(3))}, seed=7)
    assert made == LabDesign.from_json(made.to_json())


@pytest.mark.parametrize(
    ("name", "count", "accesses", "words"),
    [
        ("a b", 1, {}, "cannot name a lab"),
        ("x" * 33, 1, {}, "cannot name a lab"),
        ("lab", 0, {}, "from 1 to 200"),
        ("lab", 201, {}, "from 1 to 200"),
        ("lab", 2, {"h3": AccessLink(Delay(1))}, "no host h3"),
    ],
)
def test_what_cannot_be_is_refused(name: str, count: int, accesses: dict[str, AccessLink], words: str) -> None:
    """With a sentence that says what could be."""
    with pytest.raises(UserError, match=words):
        design(name, count, accesses, seed=0)
