"""Placeholders are filled in and hosts are matched as a spec's author means it."""

import pytest

from plctl.agent.kernel import link_namespaces
from plctl.common.base.errors import InputError
from plctl.common.plan.run_plan import LinkPlan, Workload
from plctl.common.plan.run_request import ADDRESSES, LinkRequest, RunRequest, allows, check_hosts, fill, resolve
from plctl.common.scenario.schedule import Row, Schedule

SCHEDULE = Schedule((Row(0, 0, 1, 1),))


def request(*hosts: str) -> RunRequest:
    links = (LinkRequest(LinkPlan(f"leo-{n}", SCHEDULE, SCHEDULE), hosts, ("a.yaml", 3, 12)) for n in range(2))
    return RunRequest("run", 1, tuple(links))


@pytest.mark.parametrize(
    ("text", "filled"),
    [
        ("ping {server}", "ping 10.0.0.1"),
        ("{server}{server}:{link}", "10.0.0.110.0.0.1:{link}"),
        ("awk '{print $1}' {Server} {} {{server}}", "awk '{print $1}' {Server} {} {10.0.0.1}"),
        ("echo ${server} $x", "echo ${server} $x"),
    ],
)
def test_fill_replaces_only_the_names_it_knows(text: str, filled: str) -> None:
    """Every other brace of a shell command, and the shell's own expansions, stay."""
    assert filled == fill(text, {"server": "10.0.0.1"})


def test_resolve_fills_commands_and_environments() -> None:
    """All five placeholders are filled once the host is known."""
    workload = Workload("w", "client", ("{client}", "{server} {link} {host} {index}"), env={"HOST": "{host}"})
    plan = resolve(LinkRequest(LinkPlan("leo-3", SCHEDULE, SCHEDULE, index=3, workloads=(workload,))), "edge-1")
    assert ("192.168.22.2", "192.168.66.2 leo-3 edge-1 3") == plan.workloads[0].command
    assert {"HOST": "edge-1"} == plan.workloads[0].env


def test_addresses_are_those_of_the_namespaces() -> None:
    """What `{client}` and `{server}` become is where the agent puts the two ends."""
    assert {"client": link_namespaces.CLIENT_IPV4, "server": link_namespaces.SERVER_IPV4} == ADDRESSES


def test_globs_choose_hosts() -> None:
    """A link may go to a host that any of its globs matches."""
    link = request("edge-*", "lab1").links[0]
    assert [True, True, False] == [allows(link, host) for host in ("edge-7", "lab1", "core")]


def test_known_hosts_pass() -> None:
    """A run whose every glob matches something is accepted."""
    check_hosts(request("edge-*", "*"), ["edge-1"])


def test_an_unknown_host_is_located_and_the_known_ones_listed() -> None:
    """A misspelt host is reported once, where the spec names it."""
    with pytest.raises(InputError) as caught:
        check_hosts(request("edeg-*", "edge-*"), ["edge-2", "edge-1"])
    expected = "a.yaml:3:12: the host pattern 'edeg-*' matches no known host; known are: edge-1, edge-2"
    assert expected == str(caught.value)
