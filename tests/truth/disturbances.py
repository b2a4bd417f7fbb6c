"""What can be done to a run from outside: the kinds, and how a seed draws from them what it does when.

`words` says what a verdict's cause may name if the disturbance changed what became of frames, beside what `sentence.py`
lets it say of any such frames: a regular expression, matched without regard to case; empty: nothing more.

The wall clock is not stepped: it is the machine's, and no namespace has one of its own. What the product makes of a
stepped one is for the tests of its clocks, which hand them in.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from truth import deeds, hooks
from truth.deeds import MS, Planned, doing, nothing, one_interface
from truth.world import World


@dataclass(frozen=True)
class Kind:
    """How a kind of disturbance is drawn, begun and undone."""

    begin: Callable[[World, Planned], Any]
    undo: Callable[[World, Planned, Any], None]
    words: str
    lengths_ms: tuple[int, int] = (0, 0)  #: between which its length is drawn; (0, 0): it is not undone
    details: Callable[[random.Random], dict[str, Any]] = lambda _: {}
    before_t0: bool = False  #: begun as soon as T0 is known, a quarter of a second before it
    upsets: bool = False  #: a witness sees it, which may make the verdict `unproven` with every frame in place
    breaks: bool = False  #: the link is none any more, whatever frames there were
    hides: bool = False  #: frames may be refused at the sender's end before any capture sees them
    filters: bool = False  #: it may take frames behind tcpdump, as they come in


def _choices(**names: tuple[Any, ...]) -> Callable[[random.Random], dict[str, Any]]:
    return lambda dice: {name: dice.choice(choices) for name, choices in names.items()}


def _interface_and(**names: tuple[Any, ...]) -> Callable[[random.Random], dict[str, Any]]:
    return lambda dice: one_interface(dice) | _choices(**names)(dice)


_ANY_END = r"sim-veth1|sim-veth2|veth1|veth2"
_SET = ("ip", "link", "set", "dev", "{}")
_ADD, _DELETE = (("tc", "qdisc", verb, "dev", "{}") for verb in ("add", "delete"))
_TBF = ("root", "tbf", "rate", "2mbit", "burst", "3000", "limit", "15000")

KINDS: dict[str, Kind] = {
    "stop forwarder": Kind(deeds.forwarder_stopped, deeds.continued, "", (20, 700)),
    "stop forwarder to the end": Kind(deeds.forwarder_stopped, nothing, "forwarder", breaks=True),
    "kill agent": Kind(hooks.agent_killed, nothing, "agent", breaks=True),
    "kill forwarder": Kind(deeds.forwarder_killed, nothing, "forwarder", breaks=True),
    "stop workers": Kind(deeds.workers_stopped, deeds.workers_moved_back, "", (30, 500)),
    "stop agent": Kind(deeds.agent_stopped, deeds.continued, "", (300, 2000)),
    "stop gate": Kind(deeds.gate_stopped, deeds.continued, "", (300, 1200), before_t0=True),
    "stop sender": Kind(deeds.sender_stopped, deeds.continued, "", (200, 900)),
    "hogs": Kind(deeds.hogs, nothing, "", (300, 1500), _choices(processes=(2, 3, 6))),
    "clock load": Kind(deeds.clock_load, nothing, "", (300, 1500)),
    "CPU quota": Kind(
        deeds.cpu_quota, deeds.limit_lifted, "", (300, 1500),
        _choices(share=(0.02, 0.05, 0.2), period_us=(10_000, 100_000)),
    ),
    "memory limit": Kind(
        deeds.memory_limit, deeds.limit_lifted, "forwarder", (500, 1500), _choices(bytes=(4 << 20, 64 << 20))
    ),
    "down": Kind(doing(*_SET, "down"), doing(*_SET, "up"), _ANY_END, (50, 800), one_interface, upsets=True, hides=True),
    "delete": Kind(
        deeds.deleted, nothing, _ANY_END, details=_interface_and(then=("gone", "made anew")), upsets=True, breaks=True
    ),
    "tbf": Kind(
        doing(*_ADD, *_TBF), doing(*_DELETE, "root"), _ANY_END, (300, 1500), one_interface, upsets=True
    ),
    "pfifo": Kind(
        doing(*_ADD, "root", "pfifo", "limit", "2"), doing(*_DELETE, "root"), _ANY_END, (300, 1500), one_interface,
        upsets=True,
    ),
    "drop": Kind(
        deeds.frames_dropped, doing(*_DELETE, "clsact"), _ANY_END, (50, 1500),
        _interface_and(side=("ingress", "egress"), share=("all", "some")), upsets=True, filters=True,
    ),
    "MTU": Kind(
        doing(*_SET, "mtu", "900"), doing(*_SET, "mtu", "1500"), _ANY_END, (200, 1500), one_interface, upsets=True
    ),
    "offloads on": Kind(deeds.offloads_on, nothing, f"{_ANY_END}|offload", details=one_interface, upsets=True),
    "unname": Kind(
        deeds.namespace_unnamed, nothing, "namespace", details=_choices(end=("client", "link", "server")), upsets=True
    ),
    "offloads on early": Kind(
        deeds.offloads_on, nothing, f"{_ANY_END}|offload", details=one_interface, before_t0=True, upsets=True
    ),
    "hook": Kind(
        hooks.hooked, nothing, _ANY_END, details=_interface_and(hook=("tcx", "xdp")), upsets=True, filters=True
    ),
    "interface on top": Kind(hooks.topped, nothing, _ANY_END, details=one_interface, upsets=True, filters=True),
    "steer": Kind(hooks.steered, nothing, "", details=one_interface),
    "burst": Kind(nothing, nothing, "", details=_choices(frames=(500, 2500, 6000))),  # the sender's order has it
}  # fmt: skip


def draw_disturbances(dice: random.Random, links: int, kinds: tuple[str, ...]) -> tuple[Planned, ...]:
    """One of each of `kinds`, at times at which there is traffic, in order."""
    planned = []
    for kind in kinds:
        shortest, longest = KINDS[kind].lengths_ms
        at_ns = dice.randrange(300, 2000) * MS
        length_ns = dice.randrange(shortest, longest) * MS if longest else 0
        planned.append(Planned(kind, at_ns, length_ns, dice.randrange(links), KINDS[kind].details(dice)))
    return tuple(sorted(planned, key=lambda each: each.at_ns))
