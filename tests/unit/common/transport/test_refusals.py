"""Refusals are counted one by one and logged once per peer and minute."""

from __future__ import annotations

from plctl.common.base.clock import FakeClock
from plctl.common.base.log import Event, make_log
from plctl.common.transport.refusals import MAX_PEERS, QUIET_NS, Refusal, Refusals


def test_each_peer_is_logged_once_a_minute() -> None:
    """A flood makes one line per peer and minute; the next line says how many it stands for."""
    clock, log = FakeClock(), list[Event]()
    refusals = Refusals(clock, make_log(log.append, clock, host="controller"))
    for address in ("10.0.0.1", "10.0.0.2"):
        for _ in range(1000):
            refusals.add(Refusal.MALFORMED, address, "not msgpack", "mallory")
    clock.advance(QUIET_NS)
    refusals.add(Refusal.KEY, "10.0.0.1", "unknown", "mallory")
    assert {Refusal.MALFORMED: 2000, Refusal.KEY: 1} == refusals.counts
    assert [
        ("10.0.0.1", "malformed_message", 0),
        ("10.0.0.2", "malformed_message", 0),
        ("10.0.0.1", "unknown_key", 999),
    ] == [(event["address"], event["why"], event["also_refused"]) for event in log]


def test_many_peers_cost_bounded_memory() -> None:
    """Peers beyond the limit push out those that were logged longest ago."""
    refusals = Refusals(FakeClock())
    for n in range(MAX_PEERS + 10):
        refusals.add(Refusal.KEY, str(n), "unknown")
    assert len(refusals._peers) == MAX_PEERS
