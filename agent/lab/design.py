"""What a laboratory is to be: its hosts with their addresses, clocks and delays. Nothing is touched here.

Hosts are called h1, h2, …; two more, `controller` and `workstation`, are there for the other roles in an experiment.
All share one subnet. A host's clocks are shifted against the machine's by offsets that are drawn from the seed.
"""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from plctl.agent.lab.delay import Delay
from plctl.common.base.errors import UserError
from plctl.common.base.names import is_name, name_rule
from plctl.common.base.units import NS_PER_S
from plctl.common.plan.run_plan import LinkPlan

CONTROLLER, WORKSTATION = "controller", "workstation"
HOSTS_MAX = 200
_NUMBERS = {CONTROLLER: 254, WORKSTATION: 253}
#: Its hosts have state folders below its own, and paths of Unix sockets in these may have 107 bytes.
_NAME_MAX = 32
#: Clocks are moved on by up to some four months, and the clock that counts suspension by up to an hour more.
_OFFSET_NS_MAX = 10_000_000 * NS_PER_S
_SUSPENSION_NS_MAX = 3600 * NS_PER_S


@dataclass(frozen=True, slots=True)
class AccessLink:
    """The path between a host and the switch, one-way delays; without any it is a plain cable."""

    up: Delay = field(default_factory=Delay)  #: from the host to the switch
    down: Delay = field(default_factory=Delay)  #: from the switch to the host

    def __bool__(self) -> bool:
        return bool(self.up or self.down)


@dataclass(frozen=True, slots=True)
class HostDesign:
    """One host. Offsets are what its clocks read minus what the machine's read at the same instant."""

    lab: str
    name: str
    number: int  #: within the subnet
    monotonic_offset_ns: int
    boottime_offset_ns: int
    access: AccessLink = field(default_factory=AccessLink)

    @property
    def ipv4(self) -> str:
        """Its address, without the length of the prefix."""
        return f"10.77.0.{self.number}"

    @property
    def ipv6(self) -> str:
        """As `ipv4`."""
        return f"fd77::{self.number:x}"

    @property
    def mac(self) -> str:
        """Of its interface."""
        return f"02:77:00:00:00:{self.number:02x}"

    @property
    def netns(self) -> str:
        """The name of its network namespace on the machine."""
        return f"pl-lab-{self.lab}-{self.name}"

    @property
    def link_netns(self) -> str:
        """The name of the namespace in which its delay is emulated, if it has one."""
        return f"{self.netns}-link"

    def link_plan(self, seed: int) -> LinkPlan:
        """The delay as the forwarder is to emulate it."""
        up, down = (
            delay.schedule(f"{seed} {self.name} {way}")
            for way, delay in (("up", self.access.up), ("down", self.access.down))
        )
        return LinkPlan(self.name, up, down)


@dataclass(frozen=True, slots=True)
class LabDesign:
    """A whole laboratory."""

    name: str
    seed: int
    hosts: tuple[HostDesign, ...]

    @property
    def switch_netns(self) -> str:
        """The name of the namespace that joins the hosts."""
        return f"pl-lab-{self.name}-switch"

    @property
    def delayed(self) -> tuple[HostDesign, ...]:
        """The hosts whose delay is to be emulated."""
        return tuple(host for host in self.hosts if host.access)

    def to_json(self) -> str:
        """As a document from which `from_json` makes an equal one."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> LabDesign:
        """What `to_json` wrote."""
        facts = json.loads(text)
        return cls(**{**facts, "hosts": tuple(_host(host) for host in facts["hosts"])})


def design(name: str, count: int, accesses: Mapping[str, AccessLink], seed: int) -> LabDesign:
    """A laboratory of `count` hosts, a controller and a workstation.

    :param accesses: by host; those that are not named are at no distance from the switch.
    :raises UserError: `name` cannot name a laboratory, there are too many hosts, or none of the name in `accesses`.
    """
    if not is_name(name, _NAME_MAX):
        raise UserError(f"{name!r} cannot name a lab; write {name_rule(_NAME_MAX)}")
    if not 1 <= count <= HOSTS_MAX:
        raise UserError(f"a lab of {count} hosts cannot be: from 1 to {HOSTS_MAX} fit into its subnet")
    numbers = host_numbers(count)
    if strangers := sorted(accesses.keys() - numbers.keys()):
        raise UserError(f"lab {name} has no host {strangers[0]}; its hosts are {', '.join(numbers)}")
    chance = random.Random(seed)
    hosts = (_draw(name, each, number, accesses.get(each, AccessLink()), chance) for each, number in numbers.items())
    return LabDesign(name, seed, tuple(hosts))


def host_numbers(count: int) -> dict[str, int]:
    """The hosts of a laboratory of `count`: name → number within the subnet."""
    return {f"h{i}": i for i in range(1, count + 1)} | _NUMBERS


def _draw(lab: str, name: str, number: int, access: AccessLink, chance: random.Random) -> HostDesign:
    monotonic_ns = chance.randrange(_OFFSET_NS_MAX)
    return HostDesign(lab, name, number, monotonic_ns, monotonic_ns + chance.randrange(_SUSPENSION_NS_MAX), access)


def _host(facts: dict[str, Any]) -> HostDesign:
    up, down = (Delay(**facts["access"][way]) for way in ("up", "down"))
    return HostDesign(**{**facts, "access": AccessLink(up, down)})
