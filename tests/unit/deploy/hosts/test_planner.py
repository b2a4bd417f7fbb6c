"""What deploy decides to change on a host, and which hosts it refuses, from facts alone."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from plctl.deploy.hosts.facts import AgentFacts, Found, Wanted
from plctl.deploy.hosts.planner import Step, plan, refusal

WANTED = Wanted("edge-1", "0.2.0-bb", "0.2.0", 8_000_000, "[Unit]\nnew\n", "C" * 40, "P" * 40)
AGENT = AgentFacts("edge-1", 7, "0.2.0", serving=True, runs=())
BARE = Found(
    os="Debian GNU/Linux 12 (bookworm)",
    kernel="6.1.0-13-amd64",
    libc="glibc 2.36",
    root=True,
    systemd=True,
    free_bytes=10**9,
    clock="chronyd",
    open_files=-1,
    locked_memory=-1,
    bundles=(),
    broken=(),
    current="",
    key_public="",
    key_name="",
    controller_public="",
    unit="",
    strangers=(),
    enabled=False,
    active="inactive",
    agents=(),
)
DONE = replace(
    BARE,
    bundles=("0.2.0-bb",),
    current="0.2.0-bb",
    key_public="P" * 40,
    key_name="edge-1",
    controller_public="C" * 40,
    unit="[Unit]\nnew\n",
    enabled=True,
    active="active",
    agents=(AGENT,),
)
BUSY = replace(DONE, agents=(replace(AGENT, runs=("study-1",)),))


def steps(found: Found, wanted: Wanted = WANTED) -> list[Step]:
    """The steps of the plan, in order."""
    return [change.step for change in plan(found, wanted)]


def test_a_bare_host_takes_every_step_in_order() -> None:
    """The service starts last, when all that it needs is there."""
    assert [Step.COPY, Step.INSTALL, Step.KEYS, Step.UNIT, Step.START] == steps(BARE)


def test_a_host_that_is_as_wanted_is_left_alone() -> None:
    """Also while a run goes on there."""
    for found in (DONE, BUSY):
        assert [] == plan(found, WANTED)
        assert "" == refusal(found, WANTED, [])


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (replace(DONE, bundles=("0.1.0-aa",), current="0.1.0-aa"), [Step.COPY, Step.INSTALL, Step.START]),
        (replace(DONE, bundles=("0.1.0-aa", "0.2.0-bb"), current="0.1.0-aa"), [Step.START]),
        (replace(DONE, bundles=(), broken=("0.2.0-bb",)), [Step.COPY, Step.INSTALL, Step.START]),
        (replace(DONE, key_public="X" * 40), [Step.KEYS, Step.START]),
        (replace(DONE, key_name="edge-2"), [Step.KEYS, Step.START]),
        (replace(DONE, controller_public="X" * 40), [Step.KEYS, Step.START]),
        (replace(DONE, unit="[Unit]\nold\n"), [Step.UNIT, Step.START]),
        (replace(DONE, active="failed", agents=()), [Step.START]),
        (replace(DONE, agents=(replace(AGENT, serving=False),)), [Step.START]),
        (replace(DONE, enabled=False), [Step.START]),
    ],
    ids=["upgrade", "left half way", "file changed", "revoked", "renamed", "controller changed", "unit changed",
         "service died", "not welcome", "not enabled"],
)  # fmt: skip
def test_only_what_differs_is_changed(found: Found, expected: list[Step]) -> None:
    """Whatever an earlier attempt or somebody else left, and the agent starts again if anything changed."""
    assert expected == steps(found)


def test_keys_are_rotated_when_asked_for() -> None:
    """Once for each time that somebody asks; a host without a key gets its first one, not two."""
    asked = replace(WANTED, rotate_keys=True)
    assert [Step.KEYS, Step.START] == steps(DONE, asked)
    assert 1 == steps(BARE, asked).count(Step.KEYS)


def test_a_change_of_the_unit_is_told_as_a_diff() -> None:
    """What `--check` shows is what will be written."""
    (change, _) = plan(replace(DONE, unit="[Unit]\nold\n"), WANTED)
    assert ["-old", "+new"] == change.detail.splitlines()[-2:]


@pytest.mark.parametrize(
    ("found", "part"),
    [
        (replace(BARE, root=False), "does not become root"),
        (replace(BARE, systemd=False), "systemd does not run"),
        (replace(BARE, kernel="5.10.0-28-amd64"), "kernel 5.10.0-28-amd64 is too old: boot 5.11"),
        (replace(BARE, strangers=("/etc/plctl/agent.key",)), "/etc/plctl/agent.key is there already"),
        (replace(BARE, free_bytes=1 << 20), "its disk is full: 1.049 MB are free at /opt, 32 MB are needed"),
        (replace(BUSY, unit="old"), r"a run goes on there \(study-1\); with --wait"),
    ],
)
def test_an_unfit_host_is_refused_before_anything_is_changed(found: Found, part: str) -> None:
    """In a sentence that says what is wrong with it."""
    assert re.search(part, refusal(found, WANTED, plan(found, WANTED)))


def test_a_run_is_waited_for_when_asked() -> None:
    """With `--wait` a run is no reason to refuse."""
    found, wanted = replace(BUSY, unit="old"), replace(WANTED, wait=True)
    assert "" == refusal(found, wanted, plan(found, wanted))


def test_a_full_disk_matters_only_where_something_is_copied() -> None:
    """A new key fits on any disk."""
    found = replace(DONE, free_bytes=0, key_public="")
    assert "" == refusal(found, WANTED, plan(found, WANTED))
