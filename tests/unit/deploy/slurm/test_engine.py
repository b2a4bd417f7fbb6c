"""Agents in Slurm's hands: the course of a deployment through a cluster, and what is left of one that fails."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from plctl.common.base.errors import PlctlError, UserError, WorldError
from plctl.common.security.allow_list import AllowEntry, AllowList
from plctl.common.security.keys import KeyPair
from plctl.deploy.slurm import engine as slurm
from plctl.deploy.slurm.engine import SlurmEngine
from plctl.deploy.slurm.job import Job, Wish
from plctl.deploy.ssh.done import CommandResult

WISH = Wish(2, "tcp://192.0.2.1:7777", KeyPair.generate("controller", "controller").public, "1.2.3", ("--time=60",))


def answer_of(status: int, stdout: str, stderr: str) -> CommandResult:
    """What a command ended with and said."""
    return CommandResult(stdout, stderr, status)


RUNNING = f"7|RUNNING|2|node[1-2]|{WISH.comment}\n"


class Cluster:
    """A login node that answers as Slurm would; `answers` holds others, by what a command must contain."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.sent: list[bytes] = []
        self.answers: dict[str, Iterator[CommandResult]] = {}
        self.queue = ""

    async def run(self, command: str, stdin: bytes = b"") -> CommandResult:
        """Answer `command`."""
        self.asked.append(command)
        self.sent.append(stdin)
        for words, answers in self.answers.items():
            if words in command and (answer := next(answers, None)):
                return answer
        return answer_of(0, self._say(command), "")

    def _say(self, command: str) -> str:
        if command.startswith("sbatch "):
            self.queue = RUNNING
            return "7;lab\n"
        if command.startswith("scancel "):
            self.queue = ""
        if command.startswith("squeue "):
            return self.queue
        if "platform.machine" in command:
            return "3.11 x86_64\n" * 2
        if "node_key" in command:
            return "".join(f"node{i}.job7 {KeyPair.generate('node', 'agent').public}\n" for i in (1, 2))
        return ""

    def tools(self) -> list[str]:
        """What was asked for, by the first word of each command."""
        return [command.split()[0] for command in self.asked]


@pytest.fixture
def allowed(tmp_path: Path) -> AllowList:
    """A controller's list that holds an agent that was deployed otherwise."""
    allowed = AllowList(tmp_path)
    allowed.add(AllowEntry("node1", "agent", KeyPair.generate("node1", "agent").public, "2026-01-01T00:00:00Z"))
    return allowed


@pytest.fixture
def cluster() -> Cluster:
    """A cluster without jobs."""
    return Cluster()


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look again at once, and give up soon."""
    for name in ("_LOOK_EVERY_S", "_SERVING_S", "_ENDING_S"):
        monkeypatch.setattr(slurm, name, 0.0)


def names(allowed: AllowList) -> list[str]:
    """Who may connect."""
    return [entry.name for entry in allowed.entries()]


def engine(cluster: Cluster, allowed: AllowList, said: list[str] | None = None) -> SlurmEngine:
    """An engine upon `cluster` that tells what it does to `said`."""
    say: Callable[[str], None] = (said if said is not None else []).append
    return SlurmEngine(cluster, allowed, say)


async def test_agents_start_after_plctl_and_their_keys_are_there(cluster: Cluster, allowed: AllowList) -> None:
    """A job, the bundle for what the nodes are, one key a node, and only then the word to go."""
    asked_for: list[tuple[str, str]] = []
    said: list[str] = []

    def find(python: str, architecture: str) -> bytes:
        asked_for.append((python, architecture))
        return b"a bundle"

    started = await engine(cluster, allowed, said).start(WISH, find)
    assert ["node1.job7", "node2.job7"] == started
    assert [("3.11", "x86_64")] == asked_for
    assert ["node1", "node1.job7", "node2.job7"] == names(allowed)
    assert 1 == cluster.sent.count(b"a bundle")
    (key,) = (i for i, command in enumerate(cluster.asked) if "node_key" in command)
    (go,) = (i for i, command in enumerate(cluster.asked) if "touch" in command)
    assert key < go
    assert "--time=60" in next(command for command in cluster.asked if command.startswith("sbatch"))
    assert "2 agents serve" == said[-1]


async def test_the_same_wish_again_changes_nothing_and_another_is_refused(cluster: Cluster, allowed: AllowList) -> None:
    """What runs is compared by version, controller and number of nodes."""
    cluster.queue = RUNNING
    said: list[str] = []
    assert [] == await engine(cluster, allowed, said).start(WISH, lambda *_: b"")
    assert ["job 7 runs plctl 1.2.3 tcp://192.0.2.1:7777 on node[1-2]: nothing to change"] == said
    for other in (replace(WISH, nodes=3), replace(WISH, version="1.2.4")):
        with pytest.raises(UserError, match=r"job 7 runs .* end it first: plctl deploy --engine slurm --remove"):
            await engine(cluster, allowed).start(other, lambda *_: b"")
    assert {"squeue", "srun"} == set(cluster.tools())


async def test_a_job_that_was_broken_off_is_not_taken_for_a_deployment(cluster: Cluster, allowed: AllowList) -> None:
    """One that still waits, or whose agents do not serve; neither is touched, and the sentence says how to end it."""
    cluster.queue = RUNNING.replace("RUNNING", "PENDING").replace("node[1-2]", "(Priority)")
    with pytest.raises(
        WorldError, match=r"job 7 is there already, pending \(Priority\); .* end it: plctl deploy --eng"
    ):
        await engine(cluster, allowed).start(WISH, lambda *_: b"")
    cluster.queue = RUNNING
    cluster.answers["agent status"] = iter([answer_of(1, "", "node2: no such file")])
    with pytest.raises(WorldError, match=r"job 7 runs, but not all its agents serve: .*node2: no such file; end it: "):
        await engine(cluster, allowed).start(WISH, lambda *_: b"")
    assert {"squeue", "srun"} == set(cluster.tools())


@pytest.mark.parametrize("when", ["sbatch", "squeue"])
async def test_a_job_is_taken_back_when_its_deployment_is_cancelled(
    cluster: Cluster, allowed: AllowList, when: str
) -> None:
    """While it waits, and even before its number is known."""
    waiting = RUNNING.replace("RUNNING", "PENDING").replace("node[1-2]", "(Priority)")
    answer, asked, reached = cluster.run, asyncio.Event(), asyncio.Event()

    async def run(command: str, stdin: bytes = b"") -> CommandResult:
        done = await answer(command, stdin)
        if "sbatch" in cluster.tools() and "scancel" not in cluster.tools():
            cluster.queue = waiting
            if command.startswith(when):
                reached.set()
                await asked.wait()
        return done

    cluster.run = run  # type: ignore[method-assign]
    starting = asyncio.create_task(engine(cluster, allowed).start(WISH, lambda *_: b""))
    await reached.wait()
    starting.cancel()
    asked.set()
    with pytest.raises(asyncio.CancelledError):
        await starting
    assert 1 == cluster.tools().count("scancel")
    assert "" == cluster.queue


async def test_a_job_that_waits_says_what_for_once_and_not_for_ever(cluster: Cluster, allowed: AllowList) -> None:
    """The queue's own reason is told, and the job is taken back when patience ends."""
    waiting = answer_of(0, RUNNING.replace("RUNNING", "PENDING").replace("node[1-2]", "(Resources)"), "")
    cluster.answers["squeue"] = iter([answer_of(0, "", ""), waiting, waiting])
    said: list[str] = []
    await engine(cluster, allowed, said).start(WISH, lambda *_: b"")
    assert 1 == said.count("job 7 waits: (Resources)")
    cluster.queue = ""
    cluster.answers["squeue"] = iter([answer_of(0, "", ""), waiting])
    with pytest.raises(WorldError, match=re.escape("job 7 still waits after 0 s: (Resources)")):
        await engine(cluster, allowed).start(replace(WISH, patience_s=0.0), lambda *_: b"")
    assert "scancel" in cluster.tools()


async def test_a_job_that_would_wait_for_ever_is_taken_back_at_once(cluster: Cluster, allowed: AllowList) -> None:
    """Slurm's reason tells that only a person can let it start."""
    held = answer_of(0, RUNNING.replace("RUNNING", "PENDING").replace("node[1-2]", "(JobHeldUser)"), "")
    cluster.answers["squeue"] = iter([answer_of(0, "", ""), held])
    with pytest.raises(WorldError, match=re.escape("job 7 would wait until somebody steps in: (JobHeldUser)")):
        await engine(cluster, allowed).start(WISH, lambda *_: b"")
    assert ["squeue", "sbatch", "squeue", "scancel", "squeue"] == cluster.tools()


@pytest.mark.parametrize(
    ("where", "answer", "words"),
    [
        (
            "sbatch",
            answer_of(1, "", "sbatch: error: invalid partition\n"),
            "sbatch failed .*: sbatch: error: invalid part",
        ),
        (
            "platform.machine",
            answer_of(0, "3.11 x86_64\n3.13 aarch64\n", ""),
            "differ .3.11 x86_64, 3.13 aarch64",
        ),
        ("platform.machine", answer_of(127, "", "sh: 1: python3: not found\n"), "python3: not found"),
        ("sbcast", answer_of(1, "", "No space left on device"), "No space left on device"),
        ("node_key", answer_of(1, "", "no module named venv"), "no module named venv"),
        ("touch", answer_of(1, "", ""), "exit status 1"),
        (
            "agent status",
            answer_of(1, "", "node2: it cannot be"),
            "not all agents serve after 0 s: .*node2: it cannot be",
        ),
    ],
)
async def test_a_failing_step_leaves_neither_job_nor_key(
    cluster: Cluster, allowed: AllowList, where: str, answer: CommandResult, words: str
) -> None:
    """The cluster's own words are told, and all is as it was before."""
    cluster.answers[where] = iter([answer] * 2)
    with pytest.raises(WorldError, match=words):
        await engine(cluster, allowed).start(WISH, lambda *_: b"")
    assert ["node1"] == names(allowed)
    assert [] == await engine(cluster, allowed).jobs()


async def test_removal_ends_jobs_and_revokes_only_their_keys(cluster: Cluster, allowed: AllowList) -> None:
    """An agent that was deployed otherwise stays; a second removal finds nothing; keys of ended jobs go too."""
    await engine(cluster, allowed).start(WISH, lambda *_: b"")
    done = await engine(cluster, allowed).remove()
    assert ["ended job 7", "revoked the key of node1.job7", "revoked the key of node2.job7"] == done
    assert [] == await engine(cluster, allowed).remove()
    await engine(cluster, allowed).start(WISH, lambda *_: b"")
    cluster.queue = ""  # its time was over
    assert ["revoked the key of node1.job7", "revoked the key of node2.job7"] == await engine(cluster, allowed).remove()
    assert ["node1"] == names(allowed)


async def test_a_job_that_does_not_end_is_told(cluster: Cluster, allowed: AllowList) -> None:
    """Nothing is called gone that is there."""
    cluster.queue = RUNNING
    cluster.answers["squeue"] = iter([answer_of(0, RUNNING, "")] * 3)
    with pytest.raises(WorldError, match="job 7 has not ended 0 s after scancel"):
        await engine(cluster, allowed).remove()


async def test_a_queue_is_read_as_it_is(cluster: Cluster, allowed: AllowList) -> None:
    """A comment may hold what separates the fields; what is no answer of Slurm's is an error."""
    cluster.queue = "7|COMPLETING|2|node[1-2]|a|b\n"
    assert [Job("7", "COMPLETING", 2, "node[1-2]", "a|b")] == await engine(cluster, allowed).jobs()
    cluster.answers["squeue"] = iter([answer_of(127, "", "sh: 1: squeue: not found")])
    with pytest.raises(PlctlError, match="squeue failed on the login node: sh: 1: squeue: not found"):
        await engine(cluster, allowed).jobs()
