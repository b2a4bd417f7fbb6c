"""Disturbances that the kernel does not tell of plainly: BPF links, interfaces on top of others, steering."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

from truth.deeds import Planned
from truth.inside import inside
from truth.world import INTERFACES, Process, World


def hooked(world: World, planned: Planned) -> None:
    """A BPF program drops frames that come in at the interface, attached by a bpf link."""
    interface = planned.details["interface"]
    script = str(Path(__file__).parent / "programs" / "hook.py")
    words = [planned.details["hook"], interface, str(planned.length_ns / 1e9 or 9)]
    helper = inside(
        world.namespaces[planned.link, INTERFACES[interface]],
        lambda: subprocess.Popen(
            [sys.executable, "-I", "-S", script, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE
        ),
    )
    world.guard.note("helper", *Process.find(helper.pid))
    world.helpers.append(helper)
    assert helper.stdout is not None
    assert helper.stderr is not None
    if not helper.stdout.readline():
        raise OSError(helper.stderr.read().decode().splitlines()[-1])


def topped(world: World, planned: Planned) -> None:
    """Another interface takes the frames that come in at this one."""
    interface = planned.details["interface"]
    words = ("ip", "link", "add", "link", "{}", "name", "top", "type", "macvlan", "mode", "passthru")
    world.do(planned.link, interface, *words)


def steered(world: World, planned: Planned) -> None:
    """Another CPU takes the frames that come in at the interface (RPS)."""
    interface = planned.details["interface"]
    name = world.names[planned.link, INTERFACES[interface]]
    order = f"echo 2 > /sys/class/net/{interface}/queues/rx-0/rps_cpus"
    done = subprocess.run(["ip", "netns", "exec", name, "sh", "-c", order], capture_output=True, text=True, check=False)
    world.sent.append(f"steer {interface} {done.stderr}")


def agent_killed(world: World, _planned: Planned) -> None:
    """The agent is gone."""
    world.agent().send(signal.SIGKILL)
