"""A capture follows a run that goes on, and in the end has every frame once, as the one that is made afterwards."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.packet_records import LINK, asked, dropped, served
from support.packets.pcapng_reader import Packet, read_capture
from support.synthetic_run import HOST, RUN, T0_NS, WALL_NS

from plctl.common.base.clock import FakeClock
from plctl.common.protocol.messages import DirectionResult, LinkResult, LinkStart
from plctl.common.telemetry.packet_log import CAPTURED
from plctl.controller.capture import whole_capture
from plctl.controller.capture.live_capture import follow
from plctl.controller.results.run_folder import RunFolder, complete
from plctl.controller.results.run_record import HostRecord
from plctl.controller.view.local_runs import LocalRuns

KEPT = 100


class Script(FakeClock):
    """A clock on which something happens whenever somebody sleeps."""

    def __init__(self, *steps: Callable[[], None]) -> None:
        super().__init__()
        self._steps = list(steps)

    async def sleep_until(self, instant_ns: int) -> None:
        self.advance(instant_ns - self.monotonic_ns())
        self._steps.pop(0)()


class FarAway:
    """Runs whose folders are on another machine: a `RunSource` as far as it is asked."""

    def __init__(self, base: Path) -> None:
        self._runs = LocalRuns(base)
        self.state, self.read = self._runs.state, self._runs.read

    def folder(self, _run: str) -> Path | None:
        """None."""


def begin(base: Path) -> RunFolder:
    """A run that was planned and has not started."""
    folder = RunFolder.create(base, RUN)
    folder.record_plan(asked(armed=False, capture_bytes=KEPT))
    return folder


def start(folder: RunFolder) -> None:
    """T0."""
    host = HostRecord(HOST, "0.1.0", clock_offset_ns=0)
    folder.record_start(T0_NS, WALL_NS, [LinkStart(LINK, T0_NS, T0_NS)], [host])


def end(folder: RunFolder) -> None:
    """The run is over and its folder complete: packet logs are other files now."""
    result = LinkResult(LINK, DirectionResult(), DirectionResult())
    folder.record_result([result], failures={}, cancelled=False, finished_wall_ns=WALL_NS)
    folder.close()
    complete(folder.path)


def by_number(packets: list[Packet]) -> list[tuple[int, int, int]]:
    """Interface, number and time of each."""
    return sorted((each.interface, each.packet_id, each.t_ns) for each in packets)


@pytest.mark.parametrize("runs", [LocalRuns, FarAway])
async def test_frames_are_told_when_their_fate_is_known(tmp_path: Path, runs: Callable[[Path], Any]) -> None:
    """From before T0 on; what came just before the end is found in the files, and nothing is told twice."""
    folder = begin(tmp_path)

    def log(records: bytes, captured: bytes) -> Callable[[], None]:
        return lambda: folder.append_packets(LINK, "up", records, captured)

    def log_and_end() -> None:
        log(served(5, flags=CAPTURED) + served(4), b"e" * KEPT)()
        end(folder)

    clock = Script(
        lambda: start(folder),
        log(served(2, flags=CAPTURED) + dropped(1), b"b" * KEPT),
        log(served(3, flags=CAPTURED), b"c" * KEPT),
        log_and_end,
    )
    pieces = [piece async for piece in follow(runs(tmp_path), RUN, clock)]
    found = read_capture(b"".join(pieces))
    assert [1, 2, 2, 3, 3] == [each.packet_id for each in found.packets[:5]]
    assert {1: b"", 2: b"b" * KEPT, 3: b"c" * KEPT, 4: b"", 5: b"e" * KEPT} == {
        each.packet_id: each.data for each in found.packets
    }
    assert "; route 0" in found.packets[1].comments[0]
    assert folder.record is not None
    afterwards = read_capture(b"".join(whole_capture.blocks_of(folder.path, folder.record)))
    assert by_number(afterwards.packets) == by_number(found.packets)


async def test_half_a_record_is_told_when_it_is_whole(tmp_path: Path) -> None:
    """A stream may be read while a piece is being written."""
    folder = begin(tmp_path)
    start(folder)
    records = folder.path / "packets" / f"{LINK}-up.records"

    def half_a_record() -> None:
        folder.append_packets(LINK, "up", served(1, flags=CAPTURED), b"a" * KEPT)
        with records.open("ab") as file:
            file.write(served(2)[:40])

    def the_rest() -> None:
        with records.open("ab") as file:
            file.write(served(2)[40:])

    clock = Script(half_a_record, the_rest, lambda: end(folder))
    pieces = [piece async for piece in follow(LocalRuns(tmp_path), RUN, clock, [LINK], ["up"])]
    assert [1, 1, 2, 2] == [each.packet_id for each in read_capture(b"".join(pieces)).packets]
