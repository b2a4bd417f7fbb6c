"""A frame that is missing is found, and one that is only under way is not called missing."""

from __future__ import annotations

from dataclasses import dataclass, field

from hypothesis import given
from hypothesis import strategies as st

from plctl.agent.watch.books import Count, Reading, Settling, count_reading
from plctl.agent.watch.rtnl_messages import Counters
from plctl.common.base.units import NS_PER_MS
from plctl.common.telemetry.samples import HalfStats, LinkStats

QUIET_NS = 100 * NS_PER_MS


def reading(
    at_ns: int = 0, *, sent: int = 0, arrived: int = 0, lost_ring: int = 0, delivered: int = 0, received: int = 0
) -> Reading:
    """A look at a link where nothing goes down, and nothing moves while it is looked at."""
    stats = LinkStats(up=HalfStats(in_as_counted=arrived + lost_ring, lost_ring=lost_ring, out_as_counted=delivered))
    kernel = {"veth1": Counters(tx_packets=sent), "veth2": Counters(rx_packets=received)}
    return Reading(at_ns, stats, kernel, stats)


def test_a_link_that_adds_up_needs_one_look() -> None:
    """What the forwarder knows to have missed at its ring is not missing."""
    settling = Settling(QUIET_NS)
    assert settling.add(reading(sent=10, arrived=7, lost_ring=3, delivered=5, received=5))
    assert settling.settled
    assert Count(10, 7, 5, 5, 0, 0) == settling.counts["up"]


def test_missing_frames_are_counted_once_nothing_moves() -> None:
    """Those that left the client and never arrived, and those that were delivered and never received."""
    settling = Settling(QUIET_NS)
    for at_ns in (0, 50 * NS_PER_MS, QUIET_NS - 1):
        assert not settling.add(reading(at_ns, sent=10, arrived=8, delivered=8, received=5))
    assert settling.add(reading(QUIET_NS, sent=10, arrived=8, delivered=8, received=5))
    assert (2, 3) == settling.counts["up"][-2:]


def test_each_frame_that_moves_begins_the_wait_anew() -> None:
    """A forwarder that still reads what arrived is not judged before it is through."""
    settling = Settling(QUIET_NS)
    assert not settling.add(reading(0, sent=10, arrived=1))
    assert not settling.add(reading(QUIET_NS - 1, sent=10, arrived=2))
    assert not settling.add(reading(2 * QUIET_NS - 2, sent=10, arrived=9))
    assert settling.add(reading(2 * QUIET_NS, sent=10, arrived=10))


def test_frames_of_somebody_else_are_below_zero() -> None:
    """More arrived than the client sent, and more was received than the forwarder delivered."""
    settling = Settling(0)
    assert settling.add(reading(sent=1, arrived=3, delivered=3, received=7))
    assert (-2, -4) == settling.counts["up"][-2:]


def test_what_was_missing_at_the_beginning_is_not_missing_later() -> None:
    """Frames that the kernel sent before there was a forwarder, as with ARP."""
    begin = Settling(0)
    assert begin.add(reading(sent=2, received=40))
    end = Settling(QUIET_NS, offsets=begin.counts)
    assert end.add(reading(sent=12, arrived=10, delivered=9, received=49))
    assert Count(10, 10, 9, 9, 0, 0) == end.counts["up"]


def test_a_direction_without_its_ends_is_not_counted() -> None:
    """An interface that is gone took its counters with it."""
    assert {} == count_reading(Reading(0, LinkStats(), {"veth1": Counters()}, LinkStats()))


@dataclass
class Path:
    """Frames on their way up a link, some of which the machine loses on either side of the forwarder."""

    sent: int = 0
    arrived: int = 0
    delivered: int = 0
    received: int = 0
    lost_in: int = 0
    lost_out: int = 0
    unread: list[bool] = field(default_factory=list)  #: sent, not arrived yet: whether each is lost then

    def stats(self) -> LinkStats:
        """What the forwarder shows."""
        return LinkStats(up=HalfStats(in_as_counted=self.arrived, out_as_counted=self.delivered))

    def kernel(self) -> dict[str, Counters]:
        """What the kernel shows."""
        return {"veth1": Counters(tx_packets=self.sent), "veth2": Counters(rx_packets=self.received)}

    def go_on(self, step: tuple[str, bool]) -> None:
        """Let something happen: a frame is sent, is read, or is delivered; it may be lost on the way."""
        what, lost = step
        if what == "send":
            self.sent += 1
            self.unread.append(lost)
        elif what == "read" and self.unread:
            lost = self.unread.pop(0)
            self.lost_in += lost
            self.arrived += not lost
        elif what == "deliver" and self.delivered < self.arrived:
            self.received += not lost
            self.lost_out += lost
            self.delivered += 1


steps = st.lists(st.tuples(st.sampled_from(["send", "read", "deliver"]), st.booleans()), max_size=9)


@given(st.lists(st.tuples(steps, steps, steps), min_size=1, max_size=5))
def test_no_look_shows_less_than_is_missing(rounds: list[tuple[list[tuple[str, bool]], ...]]) -> None:
    """However frames pass between its parts; and one at rest shows just what is missing."""
    path, settling = Path(), Settling(QUIET_NS)
    for number, (idle, first, second) in enumerate(rounds):
        for step in idle:
            path.go_on(step)
        before = path.stats()
        for step in first:
            path.go_on(step)
        kernel, lost_in, lost_out = path.kernel(), path.lost_in, path.lost_out
        for step in second:
            path.go_on(step)
        settling.add(Reading(number, before, kernel, path.stats()))
        count = settling.counts["up"]
        assert lost_in <= count.missing_in
        assert lost_out <= count.missing_out
        assert settling.settled == (count.missing_in == count.missing_out == 0)
    while path.unread or path.delivered < path.arrived:
        path.go_on(("read", False))
        path.go_on(("deliver", False))
    end = Settling(0)
    end.add(Reading(0, path.stats(), path.kernel(), path.stats()))
    assert (path.lost_in, path.lost_out) == end.counts["up"][-2:]
