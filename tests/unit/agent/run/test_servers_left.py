"""A server that nobody needs any more does not hold a run; whatever else still runs does."""

from __future__ import annotations

from dataclasses import replace

from plctl.agent.run.machine import (
    LOOK_NS,
    AgentRunMachine,
    Began,
    ClockRead,
    Commanded,
    LinkPrepared,
    Looked,
    LookForServers,
    Rest,
    WorkloadEnded,
)
from plctl.agent.service.clock_keeper import Instant
from plctl.common.plan.run_plan import LinkPlan, RunPlan, Workload
from plctl.common.protocol import messages as m
from plctl.common.scenario.schedule import Row, Schedule

FLAT = Schedule((Row(0, 0, 1, 1),))
SERVER = Workload("server", "server", ("iperf3", "-s"), start_ns=0)
CLIENT = Workload("client", "client", ("iperf3", "-c"), start_ns=0)
T0 = 10**9


def running(*workloads: Workload, links: tuple[str, ...] = ("x",), duration_ns: int = 0) -> AgentRunMachine:
    """A run that has started."""
    plans = tuple(LinkPlan(name, FLAT, FLAT, workloads=workloads) for name in links)
    run = AgentRunMachine(m.Prepare(RunPlan("r", 1, plans, duration_ns)), 1)
    for name in links:
        run.handle(LinkPrepared(name), 0)
    run.handle(ClockRead(), 0)
    run.arm(Commanded(2, m.Arm(T0)), Instant(T0, 7, ""), "", 0)
    run.handle(Commanded(3, m.Commit(T0)), 0)
    run.handle(Began((), 9), T0)
    return run


def look(now: int, *pairs: tuple[str, str]) -> list[object]:
    return [LookForServers(now + LOOK_NS, frozenset(pairs))]


def test_a_server_without_an_end_is_looked_at_once_its_clients_are_done() -> None:
    """If it only waits for others the run is over; if not, it is looked at again."""
    run = running(SERVER, CLIENT)
    assert look(5, ("x", "server")) == run.handle(WorkloadEnded("x", "client"), 5)
    assert look(6, ("x", "server")) == run.handle(Looked(frozenset()), 6)
    assert [Rest("")] == run.handle(Looked(frozenset({("x", "server")})), 7)


def test_a_server_that_ends_by_itself_needs_no_look() -> None:
    """`iperf3 -s -1` has a second to write its last words."""
    run = running(SERVER, CLIENT)
    run.handle(WorkloadEnded("x", "client"), 5)
    assert [Rest("")] == run.handle(WorkloadEnded("x", "server"), 6)
    assert [] == run.handle(Looked(frozenset({("x", "server")})), 7)


def test_a_server_with_clients_left_is_not_looked_at() -> None:
    """Two clients: the first one's end means nothing; nor does a server's end, or that of another link's client."""
    other = replace(CLIENT, name="other")
    run = running(SERVER, CLIENT, other)
    assert [] == run.handle(WorkloadEnded("x", "client"), 5)
    both = running(SERVER, CLIENT, links=("x", "y"))
    assert look(5, ("x", "server")) == both.handle(WorkloadEnded("x", "client"), 5)
    assert [] == both.handle(Looked(frozenset({("x", "server")})), 6)
    assert look(7, ("y", "server")) == both.handle(WorkloadEnded("y", "client"), 7)
    assert [Rest("")] == both.handle(Looked(frozenset({("y", "server")})), 8)


def test_only_what_was_asked_about_counts() -> None:
    """A client that listens is no server, whatever the look says."""
    run = running(SERVER, CLIENT, replace(CLIENT, name="other"))
    run.handle(WorkloadEnded("x", "client"), 5)
    assert [] == run.handle(Looked(frozenset({("x", "other"), ("x", "server")})), 6)


def test_a_link_of_servers_alone_runs_until_it_is_told_otherwise() -> None:
    """Somebody outside may be their client."""
    run = running(SERVER, replace(SERVER, name="second"))
    assert [] == run.handle(WorkloadEnded("x", "second"), 5)


def test_a_duration_decides_alone() -> None:
    """Nobody is looked at in a run that has an end."""
    assert [] == running(SERVER, CLIENT, duration_ns=10**9).handle(WorkloadEnded("x", "client"), 5)
