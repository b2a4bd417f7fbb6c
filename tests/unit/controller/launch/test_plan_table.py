"""Where links would go, for people and programs."""

from __future__ import annotations

import io

import pytest
from rich.console import Console
from support.synthetic_run import handover_plan

from plctl.common.base.errors import InputError
from plctl.common.plan.run_request import LinkRequest, RunRequest
from plctl.common.protocol.requests import AgentInfo, Assignment
from plctl.controller.launch.plan_table import document, place_locally, show

ASSIGNMENTS = (Assignment("a", "h1", 1_000_000, 700), Assignment("b", "h2", 5, 6), Assignment("c", "h1", 500_000, 300))


def agent(name: str) -> AgentInfo:
    """One with 4 GB and 9000 of 10000 packets a second free."""
    return AgentInfo(name, "", "", True, 0, (), 0, 4 * 10**9, 10_000, 1_000, 0, 0, "", 0)


def test_each_host_has_its_sums_beside_what_is_free() -> None:
    """A line for each link, then one for each host that gets any."""
    console = Console(file=io.StringIO(), width=200)
    show(console, ASSIGNMENTS, [agent("h1"), agent("h3")])
    assert isinstance(console.file, io.StringIO)
    rows = [line.split() for line in console.file.getvalue().splitlines()]
    assert ["a", "h1", "1", "MB", "700"] == rows[1]
    assert ["h1", "2", "1.5", "MB", "4", "GB", "1000", "9000"] == rows[-2]
    assert ["h2", "1", "5", "B", "–", "6", "–"] == rows[-1]


def test_programs_get_assignments_in_bytes() -> None:
    """The same document as for a detached run, whose id it then has."""
    found = document(ASSIGNMENTS, ["w"], "r")
    assert ("r", ["w"], 3) == (found["run"], found["warnings"], len(found["assignments"]))
    assert {"link": "a", "host": "h1", "memory_bytes": 1_000_000, "packets_per_s": 700} == found["assignments"][0]


def test_on_one_machine_all_links_are_local() -> None:
    """With what they need; a run that names other hosts is refused."""
    request = RunRequest("r", 1, (LinkRequest(handover_plan("a")), LinkRequest(handover_plan("b"))))
    first, second = place_locally(request)
    assert ("a", "local", "b", "local") == (first.link, first.host, second.link, second.host)
    assert first.memory_bytes > 0
    with pytest.raises(InputError, match="matches no known host"):
        place_locally(RunRequest("r", 1, (LinkRequest(handover_plan("a"), ("edge-*",)),)))
