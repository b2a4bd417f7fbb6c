"""How a run is disturbed: what each kind in disturbances.py does when it begins, and how it is undone."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from truth.groups import Group
from truth.offloads import switch_on
from truth.world import INTERFACES, Process, World

MS = 10**6
#: Classic BPF for a filter of tc: drop each frame (2 is TC_ACT_SHOT), or about one in sixteen at random.
_DROP = {"all": "1,6 0 0 2", "some": "4,32 0 0 4294963256,69 0 1 15,6 0 0 4294967295,6 0 0 2"}


@dataclass(frozen=True)
class Planned:
    """A disturbance of some kind, from when to when after T0 (a length of 0: it is not undone)."""

    kind: str
    at_ns: int
    length_ns: int
    link: int
    details: dict[str, Any] = field(default_factory=dict, hash=False)

    def __str__(self) -> str:
        """For the table."""
        where = "".join(f" {value}" for value in self.details.values())
        return f"{self.kind}{where} at {self.at_ns / 1e9:.2f} s" + (
            f" for {self.length_ns / MS:.0f} ms" if self.length_ns else ""
        )


# --- processes


def forwarder_stopped(world: World, _planned: Planned) -> Process:
    """Its process does nothing."""
    return _stop(world, world.forwarder())


def forwarder_killed(world: World, _planned: Planned) -> None:
    """Its process is gone."""
    world.forwarder().send(signal.SIGKILL)


def agent_stopped(world: World, _planned: Planned) -> Process:
    """The agent does nothing; the forwarder goes on."""
    return _stop(world, world.agent())


def gate_stopped(world: World, planned: Planned) -> Process:
    """The process that is to become a link's sender at T0 does nothing."""
    return _stop(world, world.process("gate.py", "sender.py", f'link\\": {planned.link},'))


def sender_stopped(world: World, planned: Planned) -> Process:
    """A link's sender does nothing; afterwards it sends all at once what it owes."""
    return _stop(world, world.process("sender.py", f'"link": {planned.link},'))


def continued(_world: World, _planned: Planned, process: Process) -> None:
    """What was stopped goes on."""
    process.send(signal.SIGCONT)


def hogs(world: World, planned: Planned) -> None:
    """More processes want a CPU than there are."""
    for _ in range(planned.details["processes"]):
        _load(world, "spin", planned.length_ns / 1e9)


def clock_load(world: World, planned: Planned) -> None:
    """A process sleeps for 50 µs, again and again."""
    _load(world, "timers", planned.length_ns / 1e9)


def workers_stopped(world: World, planned: Planned) -> list[tuple[int, set[int]]]:
    """The workers are moved onto one CPU, which a real-time process has: only they stop, not their process."""
    last = max(os.sched_getaffinity(0))
    moved = [(worker, os.sched_getaffinity(worker)) for worker in world.workers()]
    for worker, _ in moved:
        os.sched_setaffinity(worker, {last})
    _load(world, "real-time", planned.length_ns / 1e9, last)
    return moved


def workers_moved_back(_world: World, _planned: Planned, moved: list[tuple[int, set[int]]]) -> None:
    """They may use the CPUs that they might use before."""
    for worker, cpus in moved:
        try:
            os.sched_setaffinity(worker, cpus)
        except ProcessLookupError:
            continue


def cpu_quota(world: World, planned: Planned) -> Group:
    """The forwarder gets a part of a CPU."""
    group = Group(world, "cpu")
    group.limit_cpu(planned.details["share"], planned.details["period_us"])
    group.take(world.forwarder().pid)
    return group


def memory_limit(world: World, planned: Planned) -> Group:
    """The forwarder has to share little new memory with a process that takes most of it."""
    group = Group(world, "memory")
    group.limit_memory(planned.details["bytes"])
    group.take(world.forwarder().pid)
    group.take(_load(world, "memory", planned.length_ns / 1e9, planned.details["bytes"] // 2).pid)
    return group


def limit_lifted(_world: World, _planned: Planned, group: Group) -> None:
    """Whoever is in the group leaves it."""
    group.empty()


def _stop(world: World, process: Process) -> Process:
    world.guard.note("stopped", *process)
    world.stopped.append(process)
    process.send(signal.SIGSTOP)
    return process


def _load(world: World, *words: object) -> Process:
    script = str(Path(__file__).parent / "programs" / "load.py")
    helper = subprocess.Popen([sys.executable, "-I", "-S", script, *map(str, words)], start_new_session=True)
    process = Process.find(helper.pid)
    world.guard.note("helper", *process)
    world.helpers.append(helper)
    return process


# --- interfaces and namespaces


def one_interface(dice: random.Random) -> dict[str, Any]:
    """Which of a link's four."""
    return {"interface": dice.choice(sorted(INTERFACES))}


def doing(*words: str) -> Callable[..., None]:
    """Run ip or tc beside the planned interface, whose name takes the place of `{}`."""

    def act(world: World, planned: Planned, *_: object) -> None:
        world.do(planned.link, planned.details["interface"], *words)

    return act


def deleted(world: World, planned: Planned) -> None:
    """The interface goes, and its twin with it; perhaps another pair of the same names takes their place."""
    interface = planned.details["interface"]
    world.do(planned.link, interface, "ip", "link", "delete", "{}")
    if planned.details["then"] == "made anew":
        world.do(planned.link, interface, "ip", "link", "add", "{}", "type", "veth", "peer", "name", "other")
        world.do(planned.link, interface, "ip", "link", "set", "{}", "up")


def frames_dropped(world: World, planned: Planned) -> None:
    """A filter of tc drops frames on their way in or out."""
    interface, share = planned.details["interface"], planned.details["share"]
    world.do(planned.link, interface, "tc", "qdisc", "add", "dev", "{}", "clsact")
    which = ("dev", "{}", planned.details["side"])
    world.do(planned.link, interface, "tc", "filter", "add", *which, "bpf", "da", "bytecode", _DROP[share])


def namespace_unnamed(world: World, planned: Planned) -> None:
    """The namespace loses its name; it is still there, for those who are in it."""
    name = world.names[planned.link, planned.details["end"]]
    done = subprocess.run(["ip", "netns", "delete", name], capture_output=True, text=True, check=False)
    world.sent.append(f"ip netns delete {name} {done.stderr.strip()}")


def offloads_on(world: World, planned: Planned) -> None:
    """The interface leaves checksums and segments to a card that is not there."""
    interface = planned.details["interface"]
    switch_on(world.namespaces[planned.link, INTERFACES[interface]], interface)


def nothing(*_: object) -> None:
    """There is nothing to do, or to undo."""
