"""Changes of a socket's congestion control are noticed, of each socket by itself."""

from __future__ import annotations

from plctl.agent.telemetry.socket_stats import Algorithms
from plctl.common.telemetry.socket_stats import Flow, SocketSample


def look(*sockets: tuple[int, str]) -> list[tuple[Flow, SocketSample]]:
    """What a look sees of sockets by their cookies and congestion controls."""
    nothing = SocketSample(*(0 for _ in SocketSample._fields))
    return [(Flow("leo-0", "client", "a", 1, "b", 2, name, cookie), nothing) for cookie, name in sockets]


def test_only_what_changed_since_the_look_before_is_told() -> None:
    """A new socket has no change; a change is told once, with what was and what is."""
    algorithms = Algorithms()
    looks = [look((1, "bbr")), look((1, "cubic"), (2, "bbr")), look((1, "cubic"), (2, "reno")), look((2, "reno"))]
    told = [
        [(flow.socket, was, flow.congestion_control) for flow, _, was in algorithms.changes(seen)] for seen in looks
    ]
    assert [[], [(1, "bbr", "cubic")], [(2, "bbr", "reno")], []] == told


def test_the_two_ends_of_a_connection_are_two_sockets() -> None:
    """Each namespace counts its sockets by itself, so a cookie says nothing without its end."""
    algorithms = Algorithms()
    (flow, sample), *_ = look((1, "bbr"))
    other = Flow("leo-0", "server", "b", 2, "a", 1, "cubic", 1)
    for _ in range(2):
        assert [] == algorithms.changes([(flow, sample), (other, sample)])
