"""Links go where they may and fit, by a policy that can be foretold; what does not fit is refused with the sums."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plctl.common.base.errors import InputError, UserError
from plctl.common.plan.run_plan import ETHERNET_HEADER, Capacity, LinkPlan, Queue
from plctl.common.plan.run_request import LinkRequest, RunRequest, allows
from plctl.common.protocol.requests import Assignment, PlacementPolicy
from plctl.common.scenario.schedule import Row, Schedule
from plctl.controller.scheduling.placement import Need, Offer, need_of, place

FRAME = 1500 + ETHERNET_HEADER
ROOMY = Need(10**12, 10**9)


def link(name: str, packets: int = 1, hosts: tuple[str, ...] = ("*",)) -> LinkRequest:
    """A link of `packets` full-size frames a second each way, with a queue of as many."""
    schedule = Schedule((Row(0, 0, 0, packets * 8 * FRAME),))
    plan = LinkPlan(name, schedule, schedule, queue=Queue(capacity=Capacity("packets", packets)))
    return LinkRequest(plan, hosts, ("run.yaml", 3, 5))


def request(*links: LinkRequest) -> RunRequest:
    """A run of `links`."""
    return RunRequest("r", 1, links)


def hosts_of(assignments: Sequence[Assignment]) -> list[str]:
    """Where each link went."""
    return [each.host for each in assignments]


def test_spread_goes_round_and_pack_stays() -> None:
    """Four equal links on two equal hosts: by turns in the order of names, or all on the first."""
    four = request(*(link(f"leo-{i}") for i in range(4)))
    two = [Offer("b", ROOMY), Offer("a", ROOMY)]
    assert ["a", "b", "a", "b"] == hosts_of(place(four, two))
    assert ["a", "a", "a", "a"] == hosts_of(place(four, two, "pack"))


def test_pack_opens_the_next_host_when_one_is_full() -> None:
    """A host takes what it can, the rest goes to the next."""
    three = request(*(link(f"leo-{i}", 50) for i in range(3)))
    offers = [Offer(name, Need(10**12, 200)) for name in "abc"]
    assert ["a", "a", "b"] == hosts_of(place(three, offers, "pack"))


def test_both_policies_count_what_runs_have_taken() -> None:
    """A host in use is avoided by spread and preferred by pack."""
    offers = [Offer("busy", ROOMY, taken=Need(10**9, 10**6)), Offer("idle", ROOMY)]
    assert ["idle"] == hosts_of(place(request(link("x")), offers))
    assert ["busy"] == hosts_of(place(request(link("x")), offers, "pack"))


def test_an_assignment_says_what_the_link_needs() -> None:
    """Memory and packets of the plan are in the answer, in the request's order."""
    small, great = link("small", 1), link("great", 9)
    need = need_of(great.plan)
    placed = place(request(small, great), [Offer("a", ROOMY)])
    assert ["small", "great"] == [each.link for each in placed]
    assert Assignment("great", "a", need.memory_bytes, 18) == placed[1]


def test_a_link_with_less_choice_comes_first() -> None:
    """A link that only one host will do for is not crowded out by one that could go anywhere."""
    both = request(link("anywhere", 50), link("picky", 50, ("a",)))
    offers = [Offer(name, Need(10**12, 100)) for name in "ab"]
    for policy in ("spread", "pack"):
        assert ["b", "a"] == hosts_of(place(both, offers, policy))


def test_a_link_needs_one_worker_that_carries_it() -> None:
    """Four workers of 100 packets/s each do not make one that carries 200."""
    with pytest.raises(UserError, match="served by one worker, which carries 100 packets/s"):
        place(request(link("x", 100)), [Offer("a", Need(10**12, 400), workers=4)])
    assert ["a"] == hosts_of(place(request(link("x", 100)), [Offer("a", Need(10**12, 400), workers=2)]))


def test_a_refusal_has_the_sums_and_the_fullest_resource() -> None:
    """It says which link, what it needs, what is taken where, and what the whole run needs."""
    three = request(*(link(f"leo-{i}", 50) for i in range(3)))
    with pytest.raises(UserError) as packets:
        place(three, [Offer("a", Need(10**9, 250))])
    assert (
        "link leo-2 fits on no host: it needs 204.8 kB of memory and 100 packets/s, and with 2 of the run's 3 links"
        " placed, a has 200 of its 250 packets/s taken. The whole run needs 614.4 kB of memory and 300 packets/s."
        " Ask for less, bring in more hosts, or place it all the same with --force"
    ) == str(packets.value)
    with pytest.raises(UserError, match=r"a has 204\.8 kB of its 300 kB of memory taken"):
        place(three, [Offer("a", Need(300_000, 10**6))])


def test_force_places_what_does_not_fit_as_evenly_as_there_is() -> None:
    """Both hosts are overbooked by half, rather than one by all."""
    six = request(*(link(f"leo-{i}", 50) for i in range(6)))
    offers = [Offer(name, Need(10**12, 200)) for name in "ab"]
    for policy in ("spread", "pack"):
        assert {"a": 3, "b": 3} == Counter(hosts_of(place(six, offers, policy, force=True)))


def test_hosts_that_are_not_there_are_refused_by_place() -> None:
    """A glob that matches no host is an error in the file that has it; without any host there is nowhere to go."""
    with pytest.raises(InputError, match=r"run\.yaml:3:5: the host pattern 'edge-\*' matches no known host"):
        place(request(link("x", hosts=("edge-*",))), [Offer("a", ROOMY)])
    with pytest.raises(UserError, match="no agent is connected"):
        place(request(link("x")), [])


def test_an_agent_that_says_nothing_of_its_capacity_takes_nothing() -> None:
    """Without a capacity only force places a link."""
    with pytest.raises(UserError, match="fits on no host"):
        place(request(link("x")), [Offer("a", Need(), workers=0)])
    assert ["a"] == hosts_of(place(request(link("x")), [Offer("a", Need(), workers=0)], force=True))


def test_ten_thousand_links_are_ranked_once() -> None:
    """Alike links share one ranking of a thousand hosts: what is placed is still as even as can be."""
    many = request(*(link(f"leo-{i}") for i in range(10_000)))
    counts = Counter(hosts_of(place(many, [Offer(f"h{i:03}", ROOMY) for i in range(1000)])))
    assert {10} == set(counts.values())
    assert 1000 == len(counts)


NAMES = ("east-1", "east-2", "west-1", "west-2")
GLOBS = st.sampled_from([("*",), ("east-*",), ("west-*",), ("*-1",), ("east-1",), ("west-2", "east-2")])
REQUESTS = st.lists(st.tuples(st.integers(0, 60), GLOBS), min_size=1, max_size=12).map(
    lambda asked: request(*(link(f"l{i}", packets, globs) for i, (packets, globs) in enumerate(asked)))
)
CAPACITIES = st.builds(Need, st.integers(0, 2**20), st.integers(0, 300))
OFFERS = st.tuples(*(st.builds(Offer, st.just(name), CAPACITIES, st.integers(0, 2)) for name in NAMES))
POLICIES: st.SearchStrategy[PlacementPolicy] = st.sampled_from(["spread", "pack"])


def loads(placed: Sequence[Assignment], offers: Sequence[Offer]) -> dict[str, Offer]:
    """The hosts with what was placed on them."""
    after = {offer.name: offer for offer in offers}
    for each in placed:
        after[each.host] = after[each.host].with_link(Need(each.memory_bytes, each.packets_per_s))
    return after


@given(REQUESTS, OFFERS, POLICIES)
def test_no_host_is_overbooked_without_force(
    asked: RunRequest, offers: Sequence[Offer], policy: PlacementPolicy
) -> None:
    """Whatever is placed fits, every link goes where its globs allow, and the hosts' order does not matter."""
    try:
        placed = place(asked, offers, policy)
    except UserError:
        placed = place(asked, offers, policy, force=True)
    else:
        for offer in loads(placed, offers).values():
            assert offer.taken.memory_bytes <= offer.capacity.memory_bytes
            assert offer.taken.packets_per_s <= offer.capacity.packets_per_s
        assert placed == place(asked, offers, policy, force=True)
        assert placed == place(asked, offers[::-1], policy)
    assert [each.plan.name for each in asked.links] == [each.link for each in placed]
    assert all(allows(each, placed[i].host) for i, each in enumerate(asked.links))


@given(st.lists(st.integers(1, 9), min_size=1, max_size=20), st.integers(1, 5))
def test_spread_leaves_no_host_ahead_by_more_than_a_link(sizes: list[int], count: int) -> None:
    """On equal hosts the difference between the fullest and the emptiest is at most the greatest link."""
    asked = request(*(link(f"l{i}", size) for i, size in enumerate(sizes)))
    after = loads(place(asked, offers := [Offer(f"h{i}", ROOMY) for i in range(count)]), offers)
    packets = [offer.taken.packets_per_s for offer in after.values()]
    assert max(packets) - min(packets) <= 2 * max(sizes)


@given(st.lists(st.integers(1, 9), min_size=1, max_size=20))
def test_pack_opens_no_host_that_it_could_do_without(sizes: list[int]) -> None:
    """On equal hosts at most one of those in use is no more than half full."""
    asked = request(*(link(f"l{i}", size) for i, size in enumerate(sizes)))
    offers = [Offer(f"h{i:02}", Need(10**12, 2 * 9)) for i in range(20)]
    used = [offer for offer in loads(place(asked, offers, "pack"), offers).values() if offer.taken.packets_per_s]
    assert 1 >= sum(offer.load <= 0.5 for offer in used)
