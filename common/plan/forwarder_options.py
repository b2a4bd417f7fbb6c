"""How a host's forwarder is to run: the same words on every command line, in every log, and down to the C core."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

#: What carries the frames: packet sockets, XDP sockets, or, link by link, XDP sockets wherever they work.
Io = Literal["auto", "packet", "xdp"]
#: What carries those of a link: super-frames come and go by packet sockets of another kind.
LinkIo = Literal["auto", "packet", "xdp", "super"]
#: What a worker does in the last microseconds before a deadline.
Spin = Literal["off", "adaptive", "busy"]

#: Below the 50 of interrupt threads, so that what brings frames comes first.
DEFAULT_REAL_TIME = 10


@dataclass(frozen=True, slots=True)
class ForwarderOptions:
    """What is asked of a forwarder; `ForwarderTerms` is what it got."""

    io: Io = "auto"
    workers: int = 0  #: threads; 0: as many as `cpus`, or one for every two CPUs, at most four
    spin: Spin = "adaptive"
    spin_budget: float = 0.5  #: of one CPU, for each worker's adaptive spinning; 1 or more: no limit
    real_time: int = 0  #: SCHED_FIFO priority; 0: none
    cpus: tuple[int, ...] = ()  #: to pin workers to, in turn; empty: any
    lock_memory: bool = True  #: keep what is in memory there

    def arguments(self) -> tuple[str, ...]:
        """The command line options that say the same."""
        return (
            *("--io", self.io, "--spin", self.spin, "--spin-budget", str(self.spin_budget)),
            *(("--workers", str(self.workers)) if self.workers else ()),
            *(("--rt", str(self.real_time)) if self.real_time else ()),
            *(("--cpus", ",".join(map(str, self.cpus))) if self.cpus else ()),
            *(() if self.lock_memory else ("--no-lock-memory",)),
        )


@dataclass(frozen=True, slots=True)
class ForwarderTerms:
    """What a forwarder really got, as its kernel says."""

    pid: int
    workers: tuple[str, ...]  #: of each, its CPUs and how it is scheduled: "CPU 2, SCHED_FIFO 10"
    locked_memory: bool
    refused: tuple[str, ...] = ()  #: a sentence for each wish that was not granted
