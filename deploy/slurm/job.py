"""What is wished of Slurm, and a job of ours as squeue shows it: plain values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from plctl.common.security.allow_list import AllowEntry
from plctl.deploy.ssh.done import CommandResult

JOB_NAME = "plctl-agents"
#: For squeue: what `read_job` reads. The comment comes last, because it may hold anything.
QUEUE_FORMAT = "%i|%T|%D|%R|%k"


class LoginNode(Protocol):
    """Runs commands where sbatch, srun and the like work."""

    async def run(self, command: str, stdin: bytes = b"") -> CommandResult:
        """Run `command` by the user's shell.

        :raises WorldError: the connection to the node broke.
        """


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to run."""

    nodes: int
    controller: str  #: tcp://HOST:PORT, as nodes reach it
    controller_public: str
    version: str  #: of plctl
    sbatch: tuple[str, ...] = ()  #: more options, e.g. ``--time=60``
    patience_s: float = 600.0  #: how long the job may wait in the queue

    @property
    def comment(self) -> str:
        """What the job is known by when the same is wished for again."""
        return f"plctl {self.version} {self.controller}"


@dataclass(frozen=True, slots=True)
class Job:
    """A job of ours as squeue shows it."""

    number: str
    state: str  #: e.g. PENDING, RUNNING
    nodes: int
    detail: str  #: where it runs, or why it does not
    comment: str


def read_job(line: str) -> Job:
    """The job that a line of squeue in `QUEUE_FORMAT` shows."""
    number, state, nodes, detail, comment = line.split("|", 4)
    return Job(number, state, int(nodes), detail, comment)


def count_nodes(count: int) -> str:
    """So many nodes, in words."""
    return "1 node" if count == 1 else f"{count} nodes"


def is_of_job(entry: AllowEntry) -> bool:
    """Whether an entry was made here; see the names of agents."""
    _, dot, number = entry.name.rpartition(".job")
    return bool(dot) and number.isdecimal() and entry.role == "agent"
