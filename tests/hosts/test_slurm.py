"""`plctl deploy --engine slurm` on a Slurm cluster of three real hosts: agents that come and go with an allocation."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from lab.control import Control, controller
from lab.deploying import Workstation, workstation
from lab.real_lab import RealLab
from lab.slurm import await_nodes, start_slurm
from lab.study import RAN, write_spec
from lab.trees import SLURM

pytestmark = pytest.mark.timeout(900)  # the first to come needs the tree with Slurm

HOSTS = ("h1", "h2", "h3")
#: Where Slurm itself keeps its notes on jobs, and what any login writes.
STAYS = ("/var/lib/slurm/", "/run/motd.dynamic ", "/run/netns/ ")


@pytest.fixture(scope="module")
def cluster() -> Iterator[RealLab]:
    """A cluster whose head is h1, with a node on each of three hosts."""
    with RealLab(len(HOSTS), recipes=dict.fromkeys(HOSTS, SLURM)) as lab:
        start_slurm(lab.hosts)
        yield lab


@pytest.fixture
def control(cluster: RealLab) -> Iterator[Control]:
    """A new controller beside the cluster."""
    with controller(cluster) as control:
        yield control


@pytest.fixture
def desk(cluster: RealLab, control: Control, cache: Path) -> Iterator[Workstation]:
    """The workstation, which knows the head of the cluster alone."""
    with workstation(cluster, control, cache, cluster.hosts[:1]) as desk:
        yield desk
        desk.deploy_by_slurm("--remove")


def changes(lab: RealLab, before: list[set[str]]) -> list[str]:
    """What files came, went or changed on the hosts since `before`."""
    pairs = [(host, old, host.files()) for host, old in zip(lab.hosts, before, strict=True)]
    return [f"{host.name} {line}" for host, old, new in pairs for line in old ^ new if not line.startswith(STAYS)]


@contextlib.contextmanager
def node_down(lab: RealLab, name: str) -> Iterator[None]:
    """Within the block, an administrator has taken the node `name` out of service."""
    update = ["scontrol", "update", f"nodename={name}"]
    lab.hosts[0].run([*update, "state=down", "reason=test"])
    yield
    lab.hosts[0].run([*update, "state=resume"])
    await_nodes(lab.hosts[0], len(HOSTS))


def test_agents_run_in_an_allocation_and_end_with_it(cluster: RealLab, desk: Workstation, control: Control) -> None:
    """From a login node alone: agents on three nodes, a run across them; when the job ends, nothing is left."""
    before = [host.files() for host in cluster.hosts]
    status, done, errors = desk.deploy_by_slurm("--nodes", "3")
    assert 0 == status, errors
    (job,) = {name.partition(".job")[2] for name in done["agents"]}
    assert [f"{name}.job{job}" for name in HOSTS] == sorted(done["agents"])
    control.await_agents(done["agents"])
    status, again, errors = desk.deploy_by_slurm("--nodes", "3")
    assert (0, []) == (status, again["agents"]), errors
    assert f"job {job} runs" in again["said"][0]
    assert "nothing to change" in again["said"][0]

    ran = control.ask("run", write_spec(control, "2s"), "--json")
    record = json.loads(ran.stdout)
    assert set(done["agents"]) == {link["host"] for link in record["links"]}
    assert record["verdict"] in RAN, ran.stdout

    cluster.hosts[0].run(["scancel", job])
    await_nodes(cluster.hosts[0], len(HOSTS))
    control.await_agents([])
    assert [] == changes(cluster, before)


def test_removal_ends_the_job_and_revokes_its_keys(cluster: RealLab, desk: Workstation, control: Control) -> None:
    """Afterwards the nodes are free, and only the operator is on the controller's list."""
    status, done, errors = desk.deploy_by_slurm("--nodes", "2", "--sbatch=--time=60")
    assert (0, 2) == (status, len(done["agents"])), errors
    status, removed, errors = desk.deploy_by_slurm("--remove")
    assert 0 == status, errors
    assert {f"revoked the key of {name}" for name in done["agents"]} < set(removed["said"])
    await_nodes(cluster.hosts[0], len(HOSTS))
    entries = json.loads((control.keys / "allowed.json").read_text())["entries"]
    assert ["ada"] == [entry["name"] for entry in entries]


def test_a_job_that_cannot_start_is_taken_back_with_its_reason(cluster: RealLab, desk: Workstation) -> None:
    """One that would wait for ever is not waited for, another as long as the user says; neither stays in the queue."""
    status, _, errors = desk.deploy_by_slurm("--sbatch=--hold")
    assert 1 == status
    assert re.search(r"job \d+ would wait until somebody steps in: \(JobHeldUser\)", errors), errors
    with node_down(cluster, "h3"):
        status, _, errors = desk.deploy_by_slurm("--sbatch=--nodelist=h3")
    assert 1 == status
    assert "would wait until somebody steps in: (ReqNodeNotAvail, UnavailableNodes:h3)" in errors
    status, _, errors = desk.deploy_by_slurm("--sbatch=--begin=now+1hour", "--queue-timeout", "1")
    assert 1 == status
    assert re.search(r"job \d+ still waits after 1 s: \(BeginTime\)", errors), errors
    assert "" == cluster.hosts[0].run(["squeue", "--noheader"]).stdout


def test_ctrl_c_takes_a_waiting_job_back(cluster: RealLab, desk: Workstation) -> None:
    """The user sees why it waits, and that it is ended; the queue is empty when the command is over."""
    status, shown = desk.deploy_typing("(BeginTime)", "\x03", "--engine", "slurm", "--sbatch=--begin=now+1hour")
    assert 130 == status, shown
    assert re.search(r"job (\d+) for 1 node is submitted; Ctrl-C takes it back.*ending job \1", shown, re.DOTALL), shown
    assert "" == cluster.hosts[0].run(["squeue", "--noheader"]).stdout


def test_what_slurm_refuses_is_told_in_its_words(cluster: RealLab, desk: Workstation) -> None:
    """An option of its own that means nothing to it: a sentence, and no job."""
    status, _, errors = desk.deploy_by_slurm("--sbatch=--partition=none")
    assert (1, True) == (status, "sbatch failed on the login node: " in errors), errors
    assert "invalid partition specified: none" in errors
    assert "" == cluster.hosts[0].run(["squeue", "--noheader"]).stdout
