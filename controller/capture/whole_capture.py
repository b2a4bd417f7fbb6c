"""Writes what the packet logs in a run's folder hold as one capture, links and hosts merged in the order of time."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from operator import itemgetter
from pathlib import Path

from plctl.common.scenario.schedule import DIRECTIONS, Direction
from plctl.controller.capture import both_ends, host_clock, sections
from plctl.controller.results import packet_file
from plctl.controller.results.run_record import RunRecord


def blocks_of(
    folder: Path, record: RunRecord, names: Sequence[str] = (), directions: Sequence[Direction] = DIRECTIONS
) -> Iterator[bytes]:
    """The blocks of the capture of the links with these names; without any, of all that kept bytes of their frames.

    :raises UserError: they kept none, or there are no such links; before the first block.
    :raises OSError: a log cannot be read.
    """
    links = sections.choose(record, names)
    sections.require_t0(record, links)
    clocks = [host_clock.during(folder, record, link) for link in links]
    streams = [
        both_ends.blocks(way, packet_file.read_parts(folder, record, links[way.client // 2], way.direction))
        for way in sections.ways(links, clocks, directions)
    ]
    yield sections.head(record, links)
    for _, block in heapq.merge(*streams, key=itemgetter(0)):
        yield block
