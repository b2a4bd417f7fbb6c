"""Reaping: everything of a dead owner goes, nothing of a living one or of a stranger does."""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Iterator
from dataclasses import astuple
from pathlib import Path
from typing import Any

import pytest

from plctl.agent.cleanup.reap import reap
from plctl.agent.kernel import namespace
from plctl.agent.kernel.link_namespaces import NETNS_DIR, LinkNamespaces, build
from plctl.agent.ownership.ledger import Ledger
from plctl.common.host.state import FORK_TO_EXEC_S, Owner
from plctl.common.plan.run_plan import LinkPlan

#: Says that it runs, then waits for a line that never comes; ends with whoever holds its input.
WAITING = "echo up; read line"


def shell(script: str, *, inside: str = "", **options: Any) -> subprocess.Popen[bytes]:
    """A shell, in a namespace if one is named, that has printed a line."""

    def start() -> subprocess.Popen[bytes]:
        return subprocess.Popen(["sh", "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, **options)

    process = namespace.run_inside(inside, start) if inside else start()  # a child is where the thread is that forks
    assert process.stdout
    assert b"up\n" == process.stdout.readline()
    return process


def start(script: str, ledger: Ledger, *, name: str = "", inside: str = "") -> subprocess.Popen[bytes]:
    """A shell of the owner's in a session of its own, entered in the ledger if it has a name."""
    process = shell(script, inside=inside, start_new_session=True, env={**os.environ, **ledger.environment})
    if name:
        ledger.record_process(name, process.pid)
    return process


def finish(*everyone: subprocess.Popen[bytes]) -> None:
    """Close the pipes of processes and end them."""
    for process in everyone:
        process.kill()
        process.communicate()


@pytest.fixture
def dead(state: Path, unique: str) -> Iterator[Ledger]:
    """The ledger of an owner that died; the test may still write what it had made."""
    Owner.create(f"dead-{unique}").close()
    with contextlib.closing(Ledger(state / f"dead-{unique}" / "ledger.jsonl")) as ledger:
        yield ledger


def test_a_dead_owner_loses_everything(
    dead: Ledger, namespaces: LinkNamespaces, plan: LinkPlan, tmp_path: Path, state: Path
) -> None:
    """Namespaces, processes in and outside of them, files, the folder; each is told in a sentence."""
    build(namespaces, plan, dead)
    ours = start(WAITING, dead, name="workload", inside=namespaces.client)
    file = tmp_path / "shared"
    dead.record("file", str(file))
    file.touch()
    name = dead.path.parent.name
    expected = {
        f"ended process {ours.pid} of {name}",
        f"removed file {file} of {name}",
        *(f"removed namespace {n} of {name}" for n in astuple(namespaces)),
        f"removed {name}",
    }
    assert expected == set(reap())
    assert [] == [n for n in astuple(namespaces) if (NETNS_DIR / n).exists()]
    assert not file.exists()
    assert [] == [p for p in state.iterdir() if p.is_dir()]
    assert ours.wait() < 0
    finish(ours)
    assert [] == reap()


def test_a_living_owner_keeps_everything(ledger: Ledger, namespaces: LinkNamespaces, plan: LinkPlan) -> None:
    """Its lock is held."""
    build(namespaces, plan, ledger)
    ours = start(WAITING, ledger, name="workload")
    assert [] == reap()
    assert all((NETNS_DIR / n).exists() for n in astuple(namespaces))
    assert ours.poll() is None
    finish(ours)


def test_a_kept_link_loses_only_what_ran_for_it(dead: Ledger, namespaces: LinkNamespaces, plan: LinkPlan) -> None:
    """A hand-made link whose `start` was killed keeps its namespaces, until links are asked for too."""
    build(namespaces, plan, dead)
    name = dead.path.parent.name
    dead.record("keep", name)
    ours = start(WAITING, dead, name="forwarder")
    assert [f"ended process {ours.pid} of {name}"] == reap()
    assert all((NETNS_DIR / n).exists() for n in astuple(namespaces))
    assert f"removed {name}" in reap(kept_too=True)
    assert not any((NETNS_DIR / n).exists() for n in astuple(namespaces))
    finish(ours)


def test_descendants_go_however_they_try_to_hide(dead: Ledger) -> None:
    """One left the session, one dropped its environment: the token or the recorded session betrays them."""
    hidden = "sh -c 'echo up; exec sleep 1000'"
    ours = start(f"setsid {hidden} & env -i {hidden} & wait", dead, name="shell")
    assert ours.stdout
    assert b"up\n" == ours.stdout.readline(), "the other one is up, too"
    told = reap()
    assert 3 == sum(sentence.startswith("ended process") for sentence in told)
    ours.stdout.read()  # returns once nobody can write to it any more
    finish(ours)


def test_an_unrecorded_child_is_known_by_its_token(dead: Ledger) -> None:
    """The owner died before it could enter the pid."""
    ours = start(WAITING, dead)
    assert f"ended process {ours.pid} of {dead.path.parent.name}" in reap()
    finish(ours)


def test_strangers_survive(
    dead: Ledger, namespaces: LinkNamespaces, plan: LinkPlan, unique: str, tmp_path: Path
) -> None:
    """Neither a visitor in our namespace, nor a namespace of like name, nor another owner's process is touched."""
    build(namespaces, plan, dead)
    alike = f"pl-agent-{unique}-leo-0-client2"
    others = Ledger(tmp_path / "others.jsonl")
    namespace.run_in_thread(lambda: namespace.create(alike, others))
    visitor = shell(WAITING, inside=namespaces.client)
    another = start(WAITING, others)
    reap()
    assert not (NETNS_DIR / namespaces.client).exists()
    assert (None, None) == (visitor.poll(), another.poll())
    entry = others.find("netns", alike)
    assert entry
    assert namespace.remove(entry, others), "the namespace of like name is still there"
    finish(visitor, another)
    others.close()


def test_a_recorded_session_number_proves_nothing_by_itself(dead: Ledger) -> None:
    """The recorded leader is gone and its number belongs to a stranger's session now."""
    stranger = shell(WAITING, start_new_session=True)
    dead.record("process", "old", pid=stranger.pid, started=1, session=stranger.pid)
    assert [f"removed {dead.path.parent.name}"] == reap()
    assert stranger.poll() is None
    finish(stranger)


def test_a_shared_session_is_not_taken_for_ours(dead: Ledger) -> None:
    """A recorded process that leads no session of its own does not drag its terminal's session along."""
    ours = subprocess.Popen(["sleep", "1000"], env={**os.environ, **dead.environment})
    bystander = subprocess.Popen(["sleep", "1000"])
    dead.record_process("forwarder", ours.pid)
    reap()
    assert ours.wait() < 0
    assert bystander.poll() is None
    finish(bystander)


@pytest.mark.usefixtures("state")
def test_many_living_owners_cost_no_more_patience_than_one(unique: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What may just have died is waited for together: the pauses of ten are not added up."""
    pauses: list[float] = []
    now = [100.0]
    monkeypatch.setattr("plctl.common.host.state.time.monotonic", lambda: now[0])

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        now[0] += seconds

    monkeypatch.setattr("plctl.common.host.state.time.sleep", pause)
    with contextlib.ExitStack() as stack:
        living = [stack.enter_context(Owner.create(f"living-{unique}-{number}")) for number in range(10)]
        assert [] == reap([owner.path for owner in living])
        for owner in living:
            owner.remove()
    assert FORK_TO_EXEC_S <= sum(pauses) < 2 * FORK_TO_EXEC_S
