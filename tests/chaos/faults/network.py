"""Faults of the control network: what our own forwarder does on the way between a host and the switch."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import ClassVar

from chaos.cluster import PORT
from chaos.faults.fault import NONE, Fault
from plctl.common.base.units import NS_PER_MS, RATE_UNLIMITED
from plctl.common.plan.impairments import CERTAIN_PPB

_WELL = {"loss_ppb": 0, "delay_ns": NS_PER_MS // 10, "jitter_ns": 0, "rate_bps": RATE_UNLIMITED, "duplicate_ppb": 0}


class _Way(Fault):
    """The way in one direction or both has other values for a while; shorter than an agent may be silent."""

    lengths_ms = (500, 6000)
    running = NONE
    values: ClassVar[dict[str, int]]

    def inject(self) -> bool:
        """Of both directions."""
        self.cluster.hosts.change_way(self.host, self.values, self.values)
        return True

    def undo(self) -> None:
        """As it was."""
        self.cluster.hosts.change_way(self.host, _WELL, _WELL)


class Partition(_Way):
    name, values = "partition", {"loss_ppb": CERTAIN_PPB}


class OneWayLoss(_Way):
    """What the host sends arrives, or what is sent to it, but not both."""

    name, values = "one-way loss", {"loss_ppb": CERTAIN_PPB}

    def inject(self) -> bool:
        """In one direction."""
        ways = [self.values, {}]
        self.dice.shuffle(ways)
        self.what = "from the host" if ways[0] else "to the host"
        self.cluster.hosts.change_way(self.host, *ways)
        return True


class Loss(_Way):
    name, values = "30 % loss", {"loss_ppb": 3 * CERTAIN_PPB // 10}


class Delay(_Way):
    name, values = "2 s delay", {"delay_ns": 2000 * NS_PER_MS}


class Reordering(_Way):
    name, values = "reordering", {"delay_ns": 20 * NS_PER_MS, "jitter_ns": 11 * NS_PER_MS}


class Duplication(_Way):
    name, values = "duplication", {"duplicate_ppb": CERTAIN_PPB // 2}


class SlowWay(_Way):
    """A peer that reads slowly, as the controller sees it: what is sent to it waits."""

    name, values = "slow way", {"rate_bps": 30_000}


class Reset(Fault):
    """All TCP connections of the host's are reset; they are made anew."""

    name = "reset"

    def inject(self) -> bool:
        """By the kernel, as `ss -K` asks it."""
        done = self.cluster.hosts.do(self.host, "ss", "-K", "-H", "-t", "-n", "dport", "=", f":{PORT}")
        self.what = " ".join(done.stdout.split()[:5])
        return bool(done.stdout.strip())


class SlowReader(Fault):
    """A client with a valid key asks again and again and reads no answer."""

    name, where, lengths_ms, before_t0 = "slow reading peer", "controller", (2000, 6000), NONE

    def inject(self) -> bool:
        """At the workstation."""
        script = str(Path(__file__).parents[1] / "programs/slow_reader.py")
        self.peer = self.cluster.hosts.lab.host("workstation").popen(
            [sys.executable, "-P", script, self.cluster.address, str(self.cluster.folder / "keys")],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, start_new_session=True, cwd=self.cluster.folder,
        )  # fmt: skip
        return True

    def undo(self) -> None:
        """It goes away without a word."""
        self.peer.kill()
        self.peer.wait()


FAULTS = (Partition, OneWayLoss, Loss, Delay, Reordering, Duplication, SlowWay, Reset, SlowReader)
