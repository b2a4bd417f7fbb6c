"""The figures of a packet log: exact, adding up, and only of what belongs to the run."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from support.packet_records import LINK, asked, dropped, served

from plctl.controller.packets.figures import lines
from plctl.controller.packets.stats import RANKS, PacketSummary, spread, summarize
from plctl.controller.results import packet_file
from plctl.controller.results.run_record import RunRecord


def summary(folder: Path, records: bytes, record: RunRecord) -> PacketSummary:
    """Of a log that holds `records`."""
    packet_file.append(folder, LINK, "up", records)
    return summarize(packet_file.read(folder, record, record.links[0], "up"))


def test_packets_are_counted_by_verdict_from_t0_on(tmp_path: Path) -> None:
    """What came before T0 (probes of the self-check) is told apart and in no other figure."""
    records = b"".join(served(number, offset_ms=-3) for number in range(1, 5)) + dropped(5)
    found = summary(tmp_path, records, asked(lost=0))
    assert ({"admitted": 2, "queue_full": 1}, 2, 0) == (found.verdicts, found.before_t0, found.unlogged)
    assert [0.0, 0.001] == found.sent.t_s.tolist()


def test_where_time_was_spent_adds_up(tmp_path: Path) -> None:
    """Sojourn, flight and lateness are what the record says, and their sum is the delay since the true arrival."""
    found = summary(tmp_path, served(1), asked(lost=0)).sent
    parts = [int(times[0]) for times in (found.sojourn, found.in_flight, found.lateness)]
    assert [2_000_000, 8_000_000, 350] == parts
    assert [sum(parts)] == found.one_way.tolist() == [10_000_350]


def test_without_a_t0_everything_counts(tmp_path: Path) -> None:
    """A link that was never armed has packets, too; that nobody knows what was lost is said."""
    found = summary(tmp_path, served(1), asked(armed=False))
    assert ({"admitted": 1}, 0, None) == (found.verdicts, found.before_t0, found.unlogged)
    assert "may not be complete" in "\n".join(lines(found))


def test_a_log_that_lost_records_says_so_first(tmp_path: Path) -> None:
    """Figures of an incomplete log are not to be taken for the whole."""
    text = [*lines(summary(tmp_path, served(1), asked(lost=9)))]
    assert "up (client → server): 1 admitted" == text[0]
    assert "THE LOG IS NOT COMPLETE: it had no room for 9 packets" == text[1]


def test_the_table_fits_a_terminal(tmp_path: Path) -> None:
    """Six figures of each kind of time in lines of 79 characters."""
    text = [*lines(summary(tmp_path, served(1) + dropped(2), asked(lost=0)))]
    assert "up (client → server): 1 admitted, 1 queue_full" == text[0]
    assert ["min", "median"] == text[1].split()[:2]
    assert ["sojourn", "in flight", "lateness", "one-way delay"] == [line[:13].strip() for line in text[2:]]
    assert {79} == {len(line) for line in text[1:]}


def test_an_empty_log_has_no_figures(tmp_path: Path) -> None:
    """Nothing is invented where nothing was sent."""
    found = summary(tmp_path, b"", asked(lost=0))
    assert {} == found.spreads()["sojourn"]
    assert ["up (client → server): no packets"] == [*lines(found)]


@given(st.lists(st.integers(-(2**40), 2**62), min_size=1, max_size=300))
def test_ranks_are_of_packets_that_there_were(times: list[int]) -> None:
    """Each rank is the smallest time that so many percent of the packets did not exceed (nearest rank)."""
    found = spread(np.array(times, np.int64))
    assert (min(times), max(times)) == (found["min_ns"], found["max_ns"])
    for name, rank in RANKS.items():
        value = found[name]
        assert value in times
        assert sum(each <= value for each in times) * 100 >= rank * len(times)
        assert sum(each < value for each in times) * 100 < rank * len(times) or rank == 0
