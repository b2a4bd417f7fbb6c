"""What the link model promises, one case each, with numbers that were worked out by hand.

Rates are in whole bits per nanosecond (Gbit/s), so that a frame of L bytes takes 8·L / rate ns.
"""

from __future__ import annotations

from typing import Any, ClassVar

import pytest
from model.halves import ADMITTED, GBIT, NEVER, QUEUE_FULL, UNLIMITED, armed, discipline, half, numbers, row, times

from plctl.agent.native._core import Half

MS = 10**6


class TestService:
    def test_takes_length_over_rate(self) -> None:
        """A 1514-byte frame at 80 Mbit/s is served in 151.4 µs and due 41 ms later."""
        link = half(row(0, 41 * MS, 80_000_000))
        link.arrive(1000, 1514)
        assert times(link) == [(1000, 152_400, 152_400 + 41 * MS)]

    def test_rounds_up_to_the_next_nanosecond(self) -> None:
        """8 bits at 3 bits a nanosecond take 2⅔ ns: the frame is through at the third."""
        link = half(row(0, 0, 3 * GBIT))
        link.arrive(0, 1)
        assert times(link) == [(0, 3, 3)]

    def test_is_one_after_the_other(self) -> None:
        """The second frame of a burst starts when the first ends; one that finds nobody starts when it arrives."""
        link = half(row(0, 5, 8 * GBIT))
        for at, length in ((0, 10), (0, 20), (40, 1)):
            link.arrive(at, length)
        assert times(link) == [(0, 10, 15), (10, 30, 35), (40, 41, 46)]

    def test_integrates_a_rate_change_in_mid_frame(self) -> None:
        """8000 bits, 4 ms at 1 Mbit/s and the other half at 2 Mbit/s: 6 ms."""
        link = armed(row(0, 0, 10**6), row(4 * MS, 0, 2 * 10**6))
        link.arrive(0, 1000)
        assert times(link) == [(0, 6 * MS, 6 * MS)]

    def test_stands_still_in_an_outage(self) -> None:
        """Half a frame before an outage, the other half after it."""
        link = armed(row(0, 0, 8 * GBIT), row(5, 0, 0), row(100, 0, 8 * GBIT))
        link.arrive(0, 10)
        assert times(link) == [(0, 105, 105)]

    def test_that_is_complete_when_an_outage_begins_is_complete(self) -> None:
        """The last bit at the very instant of the outage counts."""
        link = armed(row(0, 0, 8 * GBIT), row(10, 0, 0))
        link.arrive(0, 10)
        assert times(link) == [(0, 10, 10)]

    def test_at_unlimited_rate_takes_no_time(self) -> None:
        """A burst passes an unlimited bottleneck at once, and no queue forms."""
        link = half(row(0, 7, UNLIMITED), capacity_amount=0)
        assert [(ADMITTED, 3), (ADMITTED, 3)] == [link.arrive(3, 1514), link.arrive(3, 1514)]
        assert times(link) == [(3, 3, 10), (3, 3, 10)]

    def test_ends_when_an_unlimited_row_begins(self) -> None:
        """A crawling frame is released by the begin of an unlimited row."""
        link = armed(row(0, 0, 1), row(50, 0, UNLIMITED))
        link.arrive(0, 1514)
        assert times(link) == [(0, 50, 50)]

    def test_skips_cycles_of_a_repeated_schedule(self) -> None:
        """One bit in every cycle of 2 s: 8 bytes take 64 cycles, and 10⁹ cycles no more of the CPU's time."""
        rows = (row(0, 0, 0), row(1000 * MS, 0, 1))
        link = armed(*rows, period_ns=2000 * MS)
        link.arrive(0, 8)
        assert times(link) == [(0, 128_000 * MS, 128_000 * MS)]
        link = armed(*rows, period_ns=2000 * MS)
        link.arrive(0, 125_000_000)
        assert 2 * 10**9 * 10**9 == link.next_due()

    def test_never_ends_without_a_rate(self) -> None:
        """Under an outage for ever nothing is ever due, and the caller may sleep for ever."""
        for period in (0, 10):
            link = armed(row(0, 0, 0), period_ns=period)
            link.arrive(0, 60)
            assert link.next_due() == NEVER


class TestScenarioTime:
    ROWS = (row(0, 10, 8 * GBIT), row(100, 20, 4 * GBIT))

    def test_stands_at_row_0_until_armed(self) -> None:
        """However late it is, without T0 the first row holds."""
        link = half(*self.ROWS)
        link.arrive(10**15, 8)
        assert times(link) == [(10**15, 10**15 + 8, 10**15 + 18)]

    def test_stands_at_row_0_until_t0(self) -> None:
        """Rows count from T0, not from when the half was armed."""
        link = half(*self.ROWS)
        link.arm(1000)
        for at in (999, 1092, 1100):
            link.arrive(at, 8)
        assert times(link) == [(999, 1007, 1017), (1092, 1100, 1120), (1100, 1116, 1136)]

    def test_arming_moves_the_end_of_a_service_under_way(self) -> None:
        """A frame that entered at row 0's rate meets the rows of a T0 that was not known then."""
        link = half(*self.ROWS)
        link.arrive(0, 200)
        link.arm(50)
        assert times(link) == [(0, 250, 270)]

    def test_may_be_armed_again_until_it_starts(self) -> None:
        """T0 can be moved while it is ahead; then never again, and never into the past."""
        link = half(*self.ROWS)
        link.arm(500)
        link.arm(50)
        link.advance(49)
        link.arm(60)
        link.advance(60)
        with pytest.raises(ValueError, match="scenario time has started"):
            link.arm(70)
        late = half(*self.ROWS)
        late.advance(9)
        with pytest.raises(ValueError, match="virtual time is 9 already"):
            late.arm(8)

    def test_stays_at_the_last_row(self) -> None:
        """After the last row its values hold."""
        link = armed(*self.ROWS)
        link.arrive(10**12, 8)
        assert times(link) == [(10**12, 10**12 + 16, 10**12 + 36)]

    def test_starts_again_with_a_period(self) -> None:
        """With period 150 ns, time 310 is 10 ns into the third cycle."""
        link = armed(*self.ROWS, period_ns=150)
        link.arrive(310, 8)
        assert times(link) == [(310, 318, 328)]
        assert link.gauges()[3] == 10**18 % 150 // 100

    def test_a_time_that_is_past_counts_as_now(self) -> None:
        """A frame that comes late to the model is modelled as if it arrived now, and says so."""
        link = half(row(0, 0, 8 * GBIT))
        link.advance(100)
        assert link.arrive(40, 8) == (ADMITTED, 100)
        assert times(link) == [(100, 108, 108)]


class TestQueue:
    def test_admits_what_fits_exactly(self) -> None:
        """backlog + L ≤ capacity is admitted, one byte more is not, and the frame in service counts."""
        link = half(row(0, 0, 1), capacity_amount=1000)
        assert [ADMITTED, QUEUE_FULL, ADMITTED] == [link.arrive(0, length)[0] for length in (400, 601, 600)]
        assert link.gauges()[:2] == (1000, 2)

    def test_admits_anything_when_empty(self) -> None:
        """A frame larger than the capacity passes if nothing is queued or in service."""
        link = half(row(0, 0, 8 * GBIT), capacity_amount=10)
        assert [ADMITTED, QUEUE_FULL, ADMITTED] == [link.arrive(at, 20)[0] for at in (0, 19, 20)]

    def test_counts_packets(self) -> None:
        """Three packets of any length, the one in service among them."""
        link = half(row(0, 0, 1), capacity_unit="packets", capacity_amount=3)
        assert [0, 0, 0, 1] == [link.arrive(0, length)[0] for length in (9014, 60, 1514, 60)]

    def test_holds_a_multiple_of_the_bdp(self) -> None:
        """1.5 × 80 Mbit/s × 2 × 10 ms are 300 000 bytes."""
        link = half(row(0, 10 * MS, 80_000_000), capacity_unit="bdp", capacity_amount=1_500_000)
        assert [0, 0, 1, 0] == [link.arrive(0, length)[0] for length in (200_000, 99_999, 2, 1)]

    def test_a_bdp_is_never_below_ten_full_frames(self) -> None:
        """Short paths still get room for ten frames; here the delay, hence the BDP, is 0."""
        link = half(row(0, 0, 10**6), capacity_unit="bdp", capacity_amount=1_000_000)
        assert [ADMITTED] * 10 + [QUEUE_FULL] == [link.arrive(0, 1514)[0] for _ in range(11)]

    def test_a_size_in_bytes_may_be_below_ten_frames(self) -> None:
        """What was asked for as a number is what one gets."""
        link = half(row(0, 0, 10**6), capacity_amount=3028)
        assert [0, 0, 1] == [link.arrive(0, 1514)[0] for _ in range(3)]

    def test_follows_the_row_in_force(self) -> None:
        """A row's own queue size takes the place of the link's; a shrinking one drops nothing that is queued."""
        link = armed(row(0, 0, 1, queue=3000), row(10, 0, 1, queue=1000), row(20, 0, 1))
        assert [0, 0] == [link.arrive(5, 1500)[0] for _ in range(2)]
        assert link.arrive(10, 60)[0] == QUEUE_FULL
        assert link.gauges()[:2] == (3000, 2)
        assert link.arrive(20, 60)[0] == ADMITTED

    def test_counts_only_the_backlog_of_the_bottleneck_in_force(self) -> None:
        """A row's QueueID says which; all are served in the order of arrival, and what has left counts no more."""
        two = [(*row(at, 0, 8 * GBIT), 0, 0, 0, 0, queue_id) for at, queue_id in ((0, 7), (10, 9), (20, 7), (30, 9))]
        link = armed(*two, capacity_amount=20)
        assert [ADMITTED, ADMITTED, QUEUE_FULL] == [link.arrive(0, length)[0] for length in (16, 4, 4)]
        assert [ADMITTED, QUEUE_FULL] == [link.arrive(10, length)[0] for length in (30, 1)]  # as if nothing waited
        assert [ADMITTED, QUEUE_FULL] == [link.arrive(20, length)[0] for length in (10, 11)]  # the first two are served
        assert [QUEUE_FULL] == [link.arrive(30, 1)[0]]
        assert [16, 20, 50, 60] == [end for _, end, _ in times(link)]
        packets = armed(*two, capacity_unit="packets", capacity_amount=1)
        assert [0, 1, 0, 1] == [packets.arrive(at, 100)[0] for at in (0, 0, 10, 10)]

    def test_of_several_bottlenecks_is_drop_tail(self) -> None:
        """Other disciplines have queues of their own; one bottleneck may have any number."""
        two = [(*row(at, 0, 8 * GBIT), 0, 0, 0, 0, at) for at in (0, 10)]
        with pytest.raises(
            ValueError, match="the rows have several queue_id, which only droptail knows, and not codel"
        ):
            half(*two, queue=discipline("codel"))
        half(two[0], (*two[1][:9], 0), queue=discipline("codel"))
        with pytest.raises(ValueError, match=r"rows\[0\].queue_id is 4294967296; it must be from 0 to 2\^32 - 1"):
            half((*two[0][:9], 2**32))

    def test_of_an_unlimited_row_has_no_limit_in_bdps(self) -> None:
        """What queues behind a blackout of an unlimited link is not dropped, even if its delay is 0."""
        link = armed(row(0, 0, UNLIMITED), row(10, 0, UNLIMITED, route=1), reconfiguration_ns=5, capacity_unit="bdp")
        assert [0] * 100 == [link.arrive(12, 1514)[0] for _ in range(100)]
        assert times(link)[-1] == (15, 15, 15)

    def test_a_frame_leaves_the_backlog_before_another_arrives(self) -> None:
        """At the instant at which a service ends, an arriving frame finds the room that it left."""
        link = half(row(0, 0, 8 * GBIT), capacity_amount=20)
        assert [0, 0, 1, 0] == [link.arrive(at, 10)[0] for at in (0, 0, 9, 10)]


class TestDropHead:
    """Frames of 10 bytes take 10 ns; the queue and the frame in service hold 30 bytes together."""

    LINE: ClassVar[Any] = {"queue": {"name": "drophead"}, "capacity_amount": 30}

    def test_lets_go_of_what_waited_longest(self) -> None:
        """The fourth and fifth frame push the second and third out, at that moment."""
        link = half(row(0, 0, 8 * GBIT), **self.LINE)
        assert [ADMITTED] * 5 == [link.arrive(at, 10)[0] for at in (0, 1, 2, 3, 4)]
        assert [(1, QUEUE_FULL, 3), (2, QUEUE_FULL, 4)] == link.dropped()
        assert [0, 3, 4] == numbers(link)

    def test_makes_as_much_room_as_a_large_frame_needs(self) -> None:
        """A frame of 20 bytes pushes out both that wait."""
        link = half(row(0, 0, 8 * GBIT), **self.LINE)
        for length in (10, 10, 10, 20):
            link.arrive(0, length)
        assert [(1, QUEUE_FULL, 0), (2, QUEUE_FULL, 0)] == link.dropped()
        assert (30, 2) == link.gauges()[:2]

    def test_drops_what_has_no_room_behind_the_frame_in_service(self) -> None:
        """What is in service stays; a frame that does not fit behind it even alone is dropped itself."""
        link = half(row(0, 0, 8 * GBIT), **self.LINE)
        assert [(ADMITTED, 0), (ADMITTED, 0), (QUEUE_FULL, 5)] == [
            link.arrive(0, 10), link.arrive(0, 10), link.arrive(5, 21)
        ]  # fmt: skip
        assert [(1, QUEUE_FULL, 5)] == link.dropped()


class TestRoutes:
    def test_keep_the_order_of_their_frames(self) -> None:
        """A falling delay on one route lets nobody overtake: due times are pressed together."""
        link = armed(row(0, 100, 8 * GBIT), row(10, 20, 8 * GBIT))
        link.arrive(0, 5)
        link.arrive(11, 5)
        assert times(link) == [(0, 5, 105), (11, 16, 105)]

    def test_overtake_each_other(self) -> None:
        """A frame on a new, shorter route arrives before those on the old one."""
        link = armed(row(0, 100, 8 * GBIT), row(10, 20, 8 * GBIT, route=1))
        link.arrive(0, 5)
        link.arrive(11, 5)
        assert [1, 0] == numbers(link)

    def test_remember_their_last_due_time(self) -> None:
        """Back on an old route, a frame stays behind those that are still on it."""
        link = armed(row(0, 100, 8 * GBIT), row(10, 20, 8 * GBIT, route=1), row(20, 30, 8 * GBIT))
        for at in (0, 11, 20):
            link.arrive(at, 5)
        assert times(link) == [(11, 16, 36), (0, 5, 105), (20, 25, 105)]

    def test_end_a_tie_in_order_of_service(self) -> None:
        """Due at the same instant on several routes: first served, first delivered."""
        link = armed(row(0, 30, UNLIMITED, route=2), row(10, 20, UNLIMITED, route=1), row(20, 10, UNLIMITED, route=0))
        for at in (0, 10, 20):
            link.arrive(at, 5)
        assert [0, 1, 2] == numbers(link)

    def test_may_be_many(self) -> None:
        """A thousand routes with frames in flight are delivered in order of (due, service)."""
        delays = [(i * 7919) % 1009 for i in range(1000)]
        link = armed(*(row(i, 5000 + delays[i], UNLIMITED, route=i) for i in range(1000)))
        for i in range(1000):
            link.arrive(i, 60)
        assert sorted(range(1000), key=lambda i: (i + delays[i], i)) == numbers(link)


class TestReconfiguration:
    ROWS = (row(0, 50, 8 * GBIT), row(100, 50, 8 * GBIT, route=1))

    def test_keeps_frames_from_entering_service(self) -> None:
        """What arrives in a blackout of 30 ns starts at its end."""
        link = armed(*self.ROWS, reconfiguration_ns=30)
        link.arrive(100, 5)
        link.arrive(129, 5)
        assert times(link) == [(130, 135, 185), (135, 140, 190)]

    def test_lets_a_service_under_way_go_on(self) -> None:
        """A frame in the server is served through the blackout, and due no earlier than its end."""
        link = armed(row(0, 1, 8 * GBIT), row(100, 1, 8 * GBIT, route=1), reconfiguration_ns=30)
        link.arrive(95, 20)
        assert times(link) == [(95, 115, 130)]

    def test_in_mode_gsl_holds_up_what_would_arrive_in_the_blackout(self) -> None:
        """Due at 105 waits until 130; due at 140 stays."""
        link = armed(*self.ROWS, reconfiguration_ns=30)
        link.arrive(50, 5)
        link.arrive(85, 5)
        assert times(link) == [(50, 55, 130), (85, 90, 140)]

    def test_delivers_what_it_held_up_in_order_of_service(self) -> None:
        """Due at 103 by a shortcut and at 105 by the old route, both wait until 130: now the older frame is first."""
        link = armed(
            row(0, 100, 8 * GBIT), row(50, 18, 8 * GBIT, route=1), row(100, 0, 0, route=2), reconfiguration_ns=30
        )
        link.arrive(0, 5)
        link.arrive(80, 5)
        assert times(link) == [(0, 5, 130), (80, 85, 130)]

    def test_in_mode_all_holds_up_everything_in_flight(self) -> None:
        """Both arrive 30 ns later."""
        link = armed(*self.ROWS, reconfiguration_ns=30, reconfiguration_mode="all")
        link.arrive(50, 5)
        link.arrive(85, 5)
        assert times(link) == [(50, 55, 135), (85, 90, 170)]

    def test_spares_what_is_due_at_its_instant(self) -> None:
        """Due at 100 has been delivered when the reconfiguration at 100 begins, even if nobody has fetched it yet."""
        for mode in ("gsl", "all"):
            link = armed(*self.ROWS, reconfiguration_ns=30, reconfiguration_mode=mode)
            link.arrive(45, 5)
            link.arrive(46, 5)
            link.advance(1000)
            assert times(link)[0] == (45, 50, 100)

    def test_comes_before_a_service_that_ends_at_its_instant(self) -> None:
        """A frame through at 100 takes the new route, and counts as served in the blackout, not as in flight."""
        link = armed(*self.ROWS, reconfiguration_ns=70, reconfiguration_mode="all")
        link.arrive(95, 5)
        assert times(link) == [(95, 100, 170)]

    def test_moves_the_route_s_last_due_time(self) -> None:
        """Back on a route, frames stay behind those that the blackout held up: 105 + 30 + 30."""
        rows = (*self.ROWS, row(102, 0, 8 * GBIT))
        link = armed(*rows, reconfiguration_ns=30, reconfiguration_mode="all")
        link.arrive(50, 5)
        link.arrive(102, 5)
        assert times(link) == [(50, 55, 165), (132, 137, 165)]

    def test_needs_another_route_than_the_row_before(self) -> None:
        """A row of the same route blacks nothing out."""
        link = armed(row(0, 50, 8 * GBIT), row(100, 40, 8 * GBIT), reconfiguration_ns=30)
        link.arrive(100, 5)
        assert times(link) == [(100, 105, 145)]

    def test_happens_at_the_wrap_of_a_repeated_schedule(self) -> None:
        """The first row after the last is a change of route like any other; the first row at T0 is none."""
        link = armed(*self.ROWS, period_ns=200, reconfiguration_ns=30)
        link.arrive(0, 5)
        link.arrive(200, 5)
        assert times(link) == [(0, 5, 55), (230, 235, 285)]

    def test_of_long_ago_is_not_gone_through(self) -> None:
        """An idle link that flaps a billion times before the next frame is where it should be, at once."""
        link = armed(*self.ROWS, period_ns=200, reconfiguration_ns=30)
        link.arrive(2 * 10**11 + 101, 5)
        assert times(link) == [(2 * 10**11 + 130, 2 * 10**11 + 135, 2 * 10**11 + 185)]

    def test_without_end_serves_nothing(self) -> None:
        """Reconfigurations that come before the last one's blackout is over keep the link black."""
        link = armed(row(0, 0, UNLIMITED), row(5, 0, UNLIMITED, route=1), period_ns=10, reconfiguration_ns=6)
        link.arrive(5, 60)
        assert times(link, 10_000) == []
        assert link.gauges()[:3] == (60, 1, 0)


class TestNextDue:
    def test_is_never_when_empty(self) -> None:
        """Nothing inside: sleep until a frame arrives."""
        assert half(row(0, 0, 1)).next_due() == NEVER

    def test_is_exact_within_a_row(self) -> None:
        """While one row holds, the bound for a frame in service is its due time: nobody wakes in vain."""
        link = half(row(0, 41 * MS, 80_000_000))
        link.arrive(0, 1514)
        assert link.next_due() == 151_400 + 41 * MS

    def test_allows_for_a_shorter_row_to_come(self) -> None:
        """A frame that waits may meet the row at 200 with its delay of 1."""
        link = armed(row(0, 1000, 8 * GBIT), row(200, 1, 8 * GBIT))
        link.arrive(0, 100)
        assert link.next_due() == 201

    def test_waits_for_the_end_of_a_blackout(self) -> None:
        """In a blackout the earliest that anything can be due is its end and the row's delay."""
        link = armed(row(0, 5, 8 * GBIT), row(10, 5, 8 * GBIT, route=1), reconfiguration_ns=30)
        link.arrive(10, 8)
        assert link.next_due() == 45


GOOD = row(0, 0, 1)


class TestArguments:
    @pytest.mark.parametrize(
        ("changes", "sentence"),
        [
            ({"rows": []}, "there are 0 rows"),
            ({"rows": [row(1, 0, 1)]}, r"rows\[0\].time_ns is 1; the first row begins at 0"),
            ({"rows": [GOOD, row(5, 0, 1), row(5, 0, 1)]}, r"rows\[2\].time_ns is 5; it must be later than"),
            ({"rows": [row(0, -1, 1)]}, r"rows\[0\].delay_ns is -1; it must be 0 or more"),
            ({"rows": [row(0, 0, -8)]}, r"rows\[0\].rate_bps is -8; it must be 0 or more"),
            ({"rows": [row(0, 0, 1, queue=-2)]}, r"rows\[0\].queue_bytes is -2; it must be 0 or more, or -1"),
            ({"rows": [row(0, 0, 1, route=1)]}, r"rows\[0\].route is 1; it must be below routes, 1"),
            ({"rows": [row(0, 0, 1, route=-1)]}, r"rows\[0\].route is -1"),
            ({"rows": [(0, 0, 1)]}, r"rows\[0\] has 3 values; legal is \(time_ns"),
            ({"rows": [row(0, 2**63, 1)]}, r"rows\[0\].delay_ns is 9223372036854775808; it must fit into 64 bits"),
            ({"routes": 2}, "routes is 2; it must be from 1 to the number of rows, 1"),
            ({"routes": 0}, "routes is 0"),
            ({"rows": [GOOD, row(5, 0, 1)], "period_ns": 5}, "period_ns is 5; it must be later than the last row, 5"),
            ({"period_ns": -1}, "period_ns is -1"),
            ({"capacity_unit": "frames"}, "capacity_unit is 'frames'; legal is bytes, packets or bdp"),
            ({"capacity_amount": -1}, "capacity_amount is -1"),
            ({"full_frame": 0}, "full_frame is 0"),
            ({"reconfiguration_ns": -1}, "reconfiguration_ns is -1"),
            ({"queue": {"name": "fifo"}}, "queue.name is 'fifo'; the core has no such discipline"),
            (
                {"queue": {"name": "codel", "target": 5, "interval": 0, "ecn": 0, "ce_threshold": -1}},
                "queue.interval is 0; it must be from 1 to 1000000000000",
            ),
            ({"reconfiguration_mode": None}, "reconfiguration_mode is None; legal is gsl or all"),
        ],
    )
    def test_that_break_a_rule_are_refused_by_name(self, changes: dict[str, Any], sentence: str) -> None:
        """Whatever is wrong with a configuration is said in a sentence that names the value and what is legal."""
        with pytest.raises(ValueError, match=sentence):
            half(GOOD, **changes)

    @pytest.mark.parametrize(
        ("changes", "sentence"),
        [
            ({"rows": 5}, "not iterable"),
            ({"rows": [5]}, "not iterable"),
            ({"rows": [(0, 0, 1.5, -1, 0)]}, r"rows\[0\].rate_bps must be an int, not 1.5"),
            ({"period_ns": "1s"}, "period_ns must be an int, not '1s'"),
            ({"speed": 1}, "arguments that a half does not know"),
            ({"queue": "droptail"}, "queue must be a dict, not 'droptail'"),
            ({"queue": {}}, "the argument name is missing"),
            ({"queue": {"name": "codel", "target": 5}}, "the argument interval is missing"),
            ({"queue": {"name": 5}}, "must be str|bad argument type"),
            ({"queue": {"name": "droptail", "target": 5}}, "queue has keys that its discipline does not know"),
        ],
    )
    def test_of_the_wrong_kind_are_refused(self, changes: dict[str, Any], sentence: str) -> None:
        """An argument that is no number, or that nobody knows, is a TypeError."""
        with pytest.raises(TypeError, match=sentence):
            half(GOOD, **changes)

    def test_may_not_be_missing(self) -> None:
        """There are no defaults in the core: whoever makes a half says everything."""
        with pytest.raises(TypeError, match="the argument rows is missing"):
            Half(routes=1)  # type: ignore[call-arg]
        with pytest.raises(TypeError, match="keyword arguments only"):
            Half()  # type: ignore[call-arg]

    def test_of_calls_are_checked(self) -> None:
        """No time before 0 or at the end of time, no frame without bytes."""
        link = half(GOOD)
        for call, sentence in (
            (lambda: link.arm(-1), "t0 is -1"),
            (lambda: link.advance(NEVER), "now is 9223372036854775807"),
            (lambda: link.pop(-5), "now is -5; it must be from 0"),
            (lambda: link.arrive(-1, 60), "at is -1"),
            (lambda: link.arrive(0, 0), "length is 0; it must be from 1"),
            (lambda: link.arrive(0, 2**32), "length is 4294967296"),
        ):
            with pytest.raises(ValueError, match=sentence):
                call()
