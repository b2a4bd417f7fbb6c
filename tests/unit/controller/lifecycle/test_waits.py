"""Whoever watches a run hears what it waits for, and since when; of nothing else, and not of moments."""

from __future__ import annotations

import pytest

from plctl.common.base.units import NS_PER_S
from plctl.common.plan.run_plan import LinkPlan, Ready, Workload
from plctl.common.scenario.schedule import Row, Schedule
from plctl.controller.lifecycle.waits import Waits

FLAT = Schedule((Row(0, 0, 10**7, 10**7),))
SERVER = Workload("server", "server", ("iperf3", "-s"), ready=Ready(tcp=5201))
CLIENT = Workload("client", "client", ("iperf3", "-c", "192.168.66.2"), start_ns=NS_PER_S)
T0 = 100 * NS_PER_S


def waits(*names: str, duration_ns: int = 0) -> Waits:
    """Of a run of links with these names, each on a host of its own."""
    plans = [LinkPlan(name, FLAT, FLAT, workloads=(SERVER, CLIENT)) for name in names]
    return Waits(((f"h-{plan.name}", plan) for plan in plans), duration_ns)


def tell(run: Waits, event: str, host: str = "", link: str = "", *, at_s: int = 0, **facts: object) -> None:
    run.note(event, host, link, {"t_ns": at_s * NS_PER_S, **facts})


def test_a_server_that_is_not_ready() -> None:
    """It is named with what it is to do and its command; once it has, nothing is said of it."""
    run = waits("leo")
    tell(run, "run.preparing", at_s=10)
    tell(run, "workload.awaited", "h-leo", "leo", at_s=11, workload="server", wanted="listen on TCP port 5201")
    assert "waiting for leo/server (iperf3 -s) to listen on TCP port 5201, 24 s" == run.told(35 * NS_PER_S, 0)
    tell(run, "workload.ready", "h-leo", "leo", at_s=35, workload="server")
    tell(run, "link.ready", "h-leo", "leo", at_s=36)
    assert "" == run.told(60 * NS_PER_S, 0)


def test_hosts_that_prepare() -> None:
    """Whoever has links that are not ready is named with how many; a link that failed is waited for no more."""
    run = waits("a", "b", "c")
    tell(run, "run.preparing", at_s=10)
    tell(run, "link.ready", "h-a", "a", at_s=11)
    tell(run, "link.failed", "h-c", "c", at_s=11)
    assert "waiting for h-b to prepare 1 link, 5 s" == run.told(15 * NS_PER_S, 0)


def test_workloads_that_decide() -> None:
    """After T0, where no duration is given: those whose end is the run's, from when they were to start."""
    run = waits("leo")
    tell(run, "run.running", at_s=100)
    assert "waiting for leo/client (iperf3 -c 192.168.66.2), 29 s" == run.told(T0 + 30 * NS_PER_S, T0)
    tell(run, "workload.ended", "h-leo", "leo", at_s=130, workload="client")
    assert "" == run.told(T0 + 40 * NS_PER_S, T0)
    timed = waits("leo", duration_ns=60 * NS_PER_S)
    tell(timed, "run.running", at_s=100)
    assert "" == timed.told(T0 + 30 * NS_PER_S, T0)


def test_hosts_that_are_silent_or_slow_to_leave() -> None:
    """A silent host is waited for in any phase; in the end whoever has not taken its part away."""
    run = waits("a", "b", duration_ns=1)
    tell(run, "run.running", at_s=100)
    tell(run, "agent.silent", "h-a", at_s=110)
    assert "waiting for h-a, which is silent, 7 s" == run.told(117 * NS_PER_S, T0)
    tell(run, "agent.returned", "h-a", at_s=118)
    tell(run, "run.releasing", at_s=120)
    tell(run, "agent.released", "h-a", at_s=121)
    assert "waiting for h-b to end its part, 10 s" == run.told(130 * NS_PER_S, T0)
    tell(run, "run.done", at_s=131)
    assert "" == run.told(140 * NS_PER_S, T0)


@pytest.mark.parametrize(("now_s", "told"), [(101, ""), (102, ""), (103, "waiting for")])
def test_moments_are_not_told(now_s: int, told: str) -> None:
    """Two seconds are nothing to be told of."""
    run = waits("leo")
    tell(run, "run.running", at_s=100)
    assert run.told(now_s * NS_PER_S, T0).startswith(told)
    assert bool(told) == bool(run.told(now_s * NS_PER_S, T0))


def test_of_many_the_longest_waits_are_named() -> None:
    """Ten thousand links make no longer sentence than three."""
    run = waits(*(f"leo-{number}" for number in range(10_000)))
    tell(run, "run.running", at_s=100)
    told = run.told(T0 + 9 * NS_PER_S, T0)
    assert told.endswith(", and 9997 more")
    assert 3 == told.count("(iperf3 -c")
