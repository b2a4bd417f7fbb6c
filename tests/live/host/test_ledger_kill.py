"""SIGKILL at any moment, of who builds, tears down or reaps: the next reaping leaves nothing and harms nobody."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import astuple
from pathlib import Path

import pytest

from plctl.agent.cleanup.reap import reap
from plctl.agent.kernel import namespace
from plctl.agent.kernel.link_namespaces import NETNS_DIR, LinkNamespaces, build, remove
from plctl.agent.ownership import processes
from plctl.agent.ownership.ledger import OWNER_VARIABLE, Ledger
from plctl.common.base.errors import BusyError
from plctl.common.host.state import Owner
from plctl.common.plan.run_plan import LinkPlan

ITERATIONS = 48
LONGEST_LIFE_S = 0.05  # a link is built in some 5 ms, so this covers several rounds of building and removing


def spawn_workload(namespaces: LinkNamespaces, ledger: Ledger) -> subprocess.Popen[bytes]:
    """A shell in the client's namespace that waits at its gate until it is entered in the ledger."""
    process = namespace.run_inside(
        namespaces.client,
        lambda: subprocess.Popen(
            ["sh", "-c", "read go && exec sleep 1000"],
            stdin=subprocess.PIPE,
            start_new_session=True,
            env={**os.environ, **ledger.environment},
        ),
    )
    ledger.record_process(f"workload of {namespaces.client}", process.pid)
    assert process.stdin
    process.stdin.write(b"go\n")
    process.stdin.flush()
    return process


def live(name: str, plan: LinkPlan, keep: bool) -> None:
    """An owner's life: links and workloads come and go, until it is killed."""
    with contextlib.suppress(BusyError):
        reap()
    owner = Owner.create(name)
    ledger = Ledger(owner.ledger_path)
    all_namespaces = [LinkNamespaces.named("agent", name, f"leo-{i}") for i in range(2)]
    while True:
        for namespaces in all_namespaces:
            build(namespaces, plan, ledger)
        workloads = [spawn_workload(namespaces, ledger) for namespaces in all_namespaces]
        if keep:
            ledger.record("keep", name)
            ledger.strike("keep", name)
        for namespaces, workload in zip(all_namespaces, workloads, strict=True):
            processes.end([processes.identify(workload.pid)])
            workload.communicate()
            ledger.strike("process", f"workload of {namespaces.client}")
            remove(namespaces, ledger)


def run_and_kill(job: Callable[[], object], life_s: float) -> None:
    """Run `job` in a child and kill it after `life_s`, or when it ends."""
    pid = os.fork()
    if pid == 0:
        try:
            job()
        except BaseException:
            os._exit(99)
        os._exit(0)
    pidfd = os.pidfd_open(pid)
    processes.await_exits({pidfd}, life_s)
    with contextlib.suppress(ProcessLookupError):
        signal.pidfd_send_signal(pidfd, signal.SIGKILL)
    os.close(pidfd)
    _, status = os.waitpid(pid, 0)
    assert status in (0, signal.SIGKILL), "the child failed before it was killed"


def left_behind(prefix: str, state: Path) -> list[str]:
    """Whatever still exists of owners whose names begin with `prefix`."""
    names = [path.name for path in NETNS_DIR.iterdir() if path.name.startswith(f"pl-agent-{prefix}")]
    folders = [path.name for path in state.iterdir() if path.name != ".lock"]
    tokens = {str(state / f"{prefix}-{i}") for i in range(ITERATIONS)}
    alive = [p.pid for p in processes.living() if any(processes.has_variable(p.pid, OWNER_VARIABLE, t) for t in tokens)]
    return [*names, *folders, *map(str, alive)]


@pytest.fixture
def stranger(unique: str, tmp_path: Path) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """A process in a namespace that is called as ours begin, neither of them ours."""
    name = f"pl-agent-{unique}"
    with contextlib.closing(Ledger(tmp_path / "others.jsonl")) as others:
        namespace.prepare_folder()
        namespace.run_in_thread(lambda: namespace.create(name, others))
        process = namespace.run_inside(name, lambda: subprocess.Popen(["sleep", "1000"], start_new_session=True))
        yield name, process
        process.kill()
        process.wait()
        for entry in others.entries():
            namespace.remove(entry, others)


@pytest.mark.undisturbed
def test_sigkill_at_any_moment_leaves_nothing_that_reaping_does_not_remove(
    state: Path, unique: str, plan: LinkPlan, stranger: tuple[str, subprocess.Popen[bytes]]
) -> None:
    """Random lives of owners and of reapers, each cut short; a stranger's namespace and process outlive them all."""
    chance = random.Random(1)
    alike, bystander = stranger
    states_met = set()
    for i in range(ITERATIONS):
        name = f"{unique}-{i}"
        keep = chance.random() < 0.5
        run_and_kill(lambda name=name, keep=keep: live(name, plan, keep), chance.uniform(0, LONGEST_LIFE_S))
        states_met.add(len(left_behind(unique, state)))
        if chance.random() < 0.3:
            run_and_kill(reap, chance.uniform(0, LONGEST_LIFE_S / 5))
        reap(kept_too=True)
        assert [alike] == left_behind(unique, state)
    assert len(states_met) > 3, f"the kills must meet different states, but met only {states_met}"
    assert bystander.poll() is None


def test_names_are_free_again_after_reaping(state: Path, unique: str, plan: LinkPlan) -> None:
    """The next start builds the same link under the same owner's name."""
    namespaces = LinkNamespaces.named("agent", unique, "leo-0")
    for _ in range(3):
        run_and_kill(lambda: live(unique, plan, keep=False), LONGEST_LIFE_S)
        reap(kept_too=True)
        with Owner.create(unique) as owner, contextlib.closing(Ledger(owner.ledger_path)) as ledger:
            build(namespaces, plan, ledger)
            assert all((NETNS_DIR / name).exists() for name in astuple(namespaces))
            remove(namespaces, ledger)
        assert reap() == [f"removed {unique}"]
    assert [] == [path for path in state.iterdir() if path.name != ".lock"]
