"""Counters are declared once, and what is made from the declaration says the same."""

from __future__ import annotations

import dataclasses

import pytest

from plctl.agent.native import _core
from plctl.common.protocol.messages import DirectionResult
from plctl.common.protocol.requests import LIVE_COLUMNS, LIVE_SUMS
from plctl.common.telemetry.counters import (
    CAUSES,
    COUNTERS,
    GAUGES,
    Counter,
    CounterGroup,
    HalfCounters,
    HalfCounts,
    total,
)
from plctl.common.telemetry.packet_log import VERDICTS
from plctl.common.telemetry.samples import SAMPLE_COLUMNS


def test_the_core_counts_what_is_declared() -> None:
    """The same names in the same order: else `make build` was forgotten."""
    assert (*COUNTERS, *GAUGES) == _core.COUNTER_NAMES


def test_every_counter_is_in_telemetry_in_results_and_in_the_live_view() -> None:
    """So that a new one is seen everywhere."""
    results = {each.name for each in dataclasses.fields(DirectionResult)}
    assert {*COUNTERS} <= {*SAMPLE_COLUMNS} & {*LIVE_COLUMNS} & results
    assert {*COUNTERS} == LIVE_SUMS


@pytest.mark.parametrize("counter", COUNTERS.values(), ids=COUNTERS)
def test_every_counter_says_what_it_counts(counter: Counter) -> None:
    """In a sentence; and why, in a word or two, where that is the difference from others of its group."""
    assert counter.doc.endswith(".")
    needs_cause = counter.unit == "packets" and counter.group in (CounterGroup.DROPPED, CounterGroup.LOST)
    assert needs_cause == bool(counter.cause)


def test_the_packet_log_keeps_its_numbers() -> None:
    """They are in files: no verdict is ever numbered anew, and no number is given twice.

    What counts the bytes of a drop follows what counts its frames, as lane.c expects.
    """
    fixed = {0: "admitted", 1: "queue_full", 128: "lost_memory", 129: "lost_send", 130: "lost_late"}
    assert fixed == {number: VERDICTS[number] for number in fixed}
    names = list(COUNTERS)
    dropped = [each.name for each in COUNTERS.values() if each.group == CounterGroup.DROPPED and each.logged]
    assert [name.replace("_packets", "_bytes") for name in dropped] == [
        names[names.index(name) + 1] for name in dropped
    ]
    logged = [each.logged for each in COUNTERS.values() if each.logged is not None]
    assert len(logged) == len(set(logged))
    assert all((each.logged >= 128) == (each.group == CounterGroup.LOST) for each in COUNTERS.values() if each.logged)


def test_a_group_is_the_sum_of_its_causes() -> None:
    """In packets; bytes are no frames."""
    half = HalfCounters(dropped_queue_full_packets=3, dropped_queue_full_bytes=300, lost_ring=1, lost_late=2)
    assert (3, 3) == (half.dropped, half.lost)
    assert "receive ring 1, seen late 2" == half.causes(CounterGroup.LOST)
    assert "" == HalfCounters().causes(CounterGroup.DROPPED)
    assert 3 == total({"lost_ring": 1, "lost_late": 2}, CounterGroup.LOST)
    assert {*CAUSES[CounterGroup.LOST]} == {name for name in COUNTERS if name.startswith("lost_")}


def test_readings_differ_by_what_was_counted_in_between() -> None:
    """By name, gauges left out."""
    before, after = HalfCounts(1, 100, row=7), HalfCounts(4, 450, lost_send=1, row=8)
    counted = {name: count for name, count in after.since(before).items() if count}
    assert {"arrived_packets": 3, "arrived_bytes": 350, "lost_send": 1} == counted


@pytest.mark.parametrize("name", [name for group in CounterGroup for name in CAUSES[group]])
def test_a_frame_that_arrived_is_accounted_for_once(name: str) -> None:
    """It is inside, or gone for one reason. What overran the receive ring never arrived; a marked frame goes on."""
    counted, counter = HalfCounts(**{"arrived_packets": 1, name: 1}), COUNTERS[name]
    stays = counter.group not in (CounterGroup.DELIVERED, CounterGroup.DROPPED, CounterGroup.LOST)
    assert (stays or not counter.arrived) == bool(counted.unaccounted_packets)
    assert 0 == HalfCounts(arrived_packets=1, in_flight_packets=1).unaccounted_packets
