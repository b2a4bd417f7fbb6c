"""Turns the delays on a command line, for all hosts or for one, for both directions or for one, into each host's."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from plctl.agent.lab.delay import Delay, parse_delay
from plctl.agent.lab.design import CONTROLLER, WORKSTATION, AccessLink, host_numbers
from plctl.common.base.errors import UserError


@dataclass(frozen=True, slots=True)
class _Wish:
    host: str  #: empty: all but the controller and the workstation
    directions: tuple[str, ...]
    delay: Delay

    @property
    def rank(self) -> tuple[bool, bool]:
        """Wishes of a higher rank overrule those of a lower one."""
        return bool(self.host), len(self.directions) == 1


def resolve_accesses(
    count: int, *, both: Iterable[str] = (), up: Iterable[str] = (), down: Iterable[str] = ()
) -> dict[str, AccessLink]:
    """The accesses of those hosts of a laboratory of `count` that have a delay.

    :param both: texts such as ``5ms`` for all hosts or ``h1=5ms±2ms`` for one; `up`, `down`: for one direction only.
    :raises UserError: a text is no delay, or names no host.
    """
    numbers = host_numbers(count)
    accesses: dict[str, AccessLink] = {}
    for wish in sorted(_read_wishes(both, up, down), key=lambda wish: wish.rank):
        if wish.host and wish.host not in numbers:
            raise UserError(f"there is no host {wish.host}; hosts are {', '.join(numbers)}")
        for host in [wish.host] if wish.host else [n for n in numbers if n not in (CONTROLLER, WORKSTATION)]:
            new = dict.fromkeys(wish.directions, wish.delay)
            accesses[host] = replace(accesses.get(host, AccessLink()), **new)
    return {host: access for host, access in accesses.items() if access}


def _read_wishes(both: Iterable[str], up: Iterable[str], down: Iterable[str]) -> list[_Wish]:
    wishes = []
    for directions, texts in ((("up", "down"), both), (("up",), up), (("down",), down)):
        for text in texts:
            host, _, delay = text.rpartition("=")
            wishes.append(_Wish(host.strip(), directions, parse_delay(delay)))
    return wishes
