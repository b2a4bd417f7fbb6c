"""Decides which host carries which link: a pure function of the request, the hosts' capacities and a policy.

Two resources count: memory for the frames inside links, and packets a second. A host's load is the fuller of the two.
Links that fewer hosts will do for are placed first, of those the greater first, and otherwise in the request's order.

- `spread` puts each link on the host that is loaded least once it has the link.
- `pack` fills the hosts one after the other: each link goes to the fullest host in which it still fits.

This is greedy. Where globs and sizes make a puzzle of it, it may refuse what a search would find room for; hosts that
are given in the run spec, or `force`, are the way out.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from heapq import heapify, heappop, heappush

from plctl.common.base.errors import UserError
from plctl.common.base.units import format_size
from plctl.common.plan.run_plan import LinkPlan
from plctl.common.plan.run_request import LinkRequest, RunRequest, allows, check_hosts
from plctl.common.protocol.requests import Assignment, PlacementPolicy
from plctl.common.resources.link_need import need_bytes, need_packets_per_s

#: Hosts that a refusal tells of, the emptiest first.
_SHOWN = 4


@dataclass(frozen=True, slots=True)
class Need:
    """What one link, or all links of one host, are taken to need."""

    memory_bytes: int = 0
    packets_per_s: int = 0

    def __add__(self, other: Need) -> Need:
        return Need(self.memory_bytes + other.memory_bytes, self.packets_per_s + other.packets_per_s)


@dataclass(frozen=True, slots=True)
class Offer:
    """A host that links may be placed on: what it can take in all, and what links that are there have taken."""

    name: str
    capacity: Need
    workers: int = 1  #: that share the packets between them; a link is served by one
    taken: Need = Need()
    promised: Need = Need()  #: to runs that wait

    def with_link(self, need: Need) -> Offer:
        """This offer after one more link was placed there."""
        return replace(self, taken=self.taken + need)

    @property
    def load(self) -> float:
        """How full the fuller of the two resources is; 1 is full, more is oversubscribed."""
        return max(
            _share(self.taken.memory_bytes, self.capacity.memory_bytes),
            _share(self.taken.packets_per_s, self.capacity.packets_per_s),
        )

    def has_room_for(self, need: Need) -> bool:
        """Whether so much more fits, all links together."""
        after = self.taken + need
        return after.memory_bytes <= self.capacity.memory_bytes and after.packets_per_s <= self.capacity.packets_per_s

    def fits(self, need: Need) -> bool:
        """Whether one more link fits, and one worker could serve it."""
        return self.has_room_for(need) and need.packets_per_s * self.workers <= self.capacity.packets_per_s


def need_of(plan: LinkPlan) -> Need:
    """What `plan` is taken to need on its host."""
    return Need(need_bytes(plan), need_packets_per_s(plan))


class NoRoomError(UserError):
    """A link fits on none of the hosts that it may go to, as much as they have left."""


def place(
    request: RunRequest, offers: Iterable[Offer], policy: PlacementPolicy = "spread", *, force: bool = False
) -> tuple[Assignment, ...]:
    """Where each link of `request` goes, in the request's order. The same arguments give the same answer.

    :param force: place also where there is no room, as evenly as there is.
    :raises InputError: the request names hosts that are not among `offers`.
    :raises NoRoomError: a link fits on none that it may go to; the message has the sums.
    :raises UserError: there are no hosts.
    """
    hosts = {offer.name: offer for offer in sorted(offers, key=lambda offer: offer.name)}
    if not hosts:
        raise UserError("no agent is connected, so there is nowhere to run; start one: plctl agent --controller …")
    check_hosts(request, list(hosts))
    needs = {link.plan.name: need_of(link.plan) for link in request.links}
    placed: dict[str, str] = {}
    for alike in _groups(request.links, needs, hosts):
        ranking = _ranked(alike, hosts, policy, force=force)
        for link in alike.links:
            if (host := next(ranking, None)) is None:
                raise NoRoomError(_refusal(link, alike, hosts, needs, len(placed)))
            hosts[host] = hosts[host].with_link(alike.need)
            placed[link] = host
    return tuple(Assignment(name, placed[name], need.memory_bytes, need.packets_per_s) for name, need in needs.items())


def place_later(
    request: RunRequest, offers: Sequence[Offer], policy: PlacementPolicy = "spread"
) -> tuple[Assignment, ...]:
    """As `place`, for a run that waits until hosts have room: on those that are the least wanted, if it fits there.

    :raises NoRoomError: it would not fit even if nobody else took anything.
    """
    free = [replace(offer, taken=Need()) for offer in offers]
    fits = place(request, free, policy)
    wanted = place(request, offers, policy, force=True)
    return wanted if _fit(wanted, free) else fits


def _fit(assignments: Iterable[Assignment], free: Iterable[Offer]) -> bool:
    """Whether hosts that nobody else uses can take them all."""
    hosts = {offer.name: offer for offer in free}
    for each in assignments:
        need = Need(each.memory_bytes, each.packets_per_s)
        if not hosts[each.host].fits(need):
            return False
        hosts[each.host] = hosts[each.host].with_link(need)
    return True


# --- order ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Alike:
    """Links that need the same and may go to the same hosts, so that one ranking of the hosts serves them all."""

    need: Need
    allowed: tuple[str, ...]
    links: tuple[str, ...]


def _groups(links: Sequence[LinkRequest], needs: Mapping[str, Need], hosts: Mapping[str, Offer]) -> list[_Alike]:
    """The links in the order in which they are placed: those with the least choice first, then the greatest."""
    names: dict[tuple[tuple[str, ...], Need], list[str]] = defaultdict(list)
    allowed: dict[tuple[str, ...], tuple[str, ...]] = {}
    for link in links:
        if link.hosts not in allowed:
            allowed[link.hosts] = tuple(host for host in hosts if allows(link, host))
        names[link.hosts, needs[link.plan.name]].append(link.plan.name)
    groups = [_Alike(need, allowed[globs], tuple(alike)) for (globs, need), alike in names.items()]
    scale = Offer("", _smallest(hosts.values()))
    return sorted(groups, key=lambda group: (len(group.allowed), -scale.with_link(group.need).load))


def _smallest(offers: Iterable[Offer]) -> Need:
    """Of each resource what the host with the least of it has: what the size of links is measured by."""
    capacities = [offer.capacity for offer in offers]
    return Need(min(each.memory_bytes for each in capacities), min(each.packets_per_s for each in capacities))


# --- choice ---------------------------------------------------------------------------------------------------------

#: Orders hosts for a link with a given need: the least comes first. The name makes it definite.
_Rank = Callable[[Offer, Need], tuple[float, float, str]]


def _least_loaded(offer: Offer, need: Need) -> tuple[float, float, str]:
    return offer.with_link(need).load, offer.load, offer.name


def _most_loaded(offer: Offer, need: Need) -> tuple[float, float, str]:
    return -offer.load, offer.with_link(need).load, offer.name


_RANKS: Mapping[PlacementPolicy, _Rank] = {"spread": _least_loaded, "pack": _most_loaded}


def _ranked(alike: _Alike, hosts: Mapping[str, Offer], policy: PlacementPolicy, *, force: bool) -> Iterator[str]:
    """The best host for each next link of `alike`. The caller adds the link to that host before it asks again."""
    yield from _best([hosts[name] for name in alike.allowed], hosts, alike.need, _RANKS[policy], Offer.fits)
    if force:
        yield from _best([hosts[name] for name in alike.allowed], hosts, alike.need, _least_loaded, lambda *_: True)


def _best(
    offers: Iterable[Offer],
    hosts: Mapping[str, Offer],
    need: Need,
    rank: _Rank,
    fits: Callable[[Offer, Need], bool],
) -> Iterator[str]:
    """The names of `offers` by `rank`, again and again while they fit. Only the rank of the one given last changes."""
    heap = [rank(offer, need) for offer in offers if fits(offer, need)]
    heapify(heap)
    while heap:
        name = heappop(heap)[-1]
        yield name
        if fits(hosts[name], need):
            heappush(heap, rank(hosts[name], need))


# --- words ----------------------------------------------------------------------------------------------------------


def _refusal(link: str, alike: _Alike, hosts: Mapping[str, Offer], needs: Mapping[str, Need], placed: int) -> str:
    """Why `link` has no place: what it needs, what is taken where, and the sums of the whole run."""
    nearest = sorted((hosts[name] for name in alike.allowed), key=lambda offer: _least_loaded(offer, alike.need))
    where = [_fullness(offer, alike.need) for offer in nearest[:_SHOWN]]
    if len(nearest) > _SHOWN:
        where.append(f"and the other {len(nearest) - _SHOWN} are fuller still")
    return (
        f"link {link} fits on no host: it needs {_words(alike.need)}, and with {placed} of the run's {len(needs)} links"
        f" placed, {'; '.join(where)}. The whole run needs {_words(sum(needs.values(), Need()))}."
        " Ask for less, bring in more hosts, or place it all the same with --force"
    )


def _fullness(offer: Offer, need: Need) -> str:
    """What of `offer` is the fullest, as part of a sentence."""
    if need.packets_per_s * offer.workers > offer.capacity.packets_per_s:
        each = offer.capacity.packets_per_s // max(1, offer.workers)
        return f"a link of {offer.name} is served by one worker, which carries {each} packets/s"
    after, whole = offer.taken + need, offer.capacity
    memory = _share(after.memory_bytes, whole.memory_bytes)
    if memory >= _share(after.packets_per_s, whole.packets_per_s):
        taken = f"{format_size(offer.taken.memory_bytes)} of its {format_size(whole.memory_bytes)} of memory"
    else:
        taken = f"{offer.taken.packets_per_s} of its {whole.packets_per_s} packets/s"
    return f"{offer.name} has {taken} taken"


def _words(need: Need) -> str:
    return f"{format_size(need.memory_bytes)} of memory and {need.packets_per_s} packets/s"


def _share(part: int, whole: int) -> float:
    if part == 0:
        return 0.0
    return part / whole if whole > 0 else float("inf")
