"""A run that broke has its verdict in its folder as soon as that can be written."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from support.small_disk import no_file_larger_than
from support.synthetic_run import RUN, handover_plan, make_run, plan_record

from plctl.common.base.clock import FakeClock
from plctl.controller.results.run_folder import RunFolder
from plctl.controller.results.run_reader import read_record
from plctl.controller.run.broken import PAUSE_NS, TRIES, write_verdict


@pytest.fixture
def begun(tmp_path: Path) -> Path:
    """The folder of a run that was planned and got no further."""
    with RunFolder.create(tmp_path, RUN) as folder:
        folder.record_plan(plan_record((handover_plan("a"), handover_plan("b"))))
        return folder.path


async def wait_asleep(clock: FakeClock) -> None:
    """Return once somebody waits for the clock."""
    while not clock._sleepers:
        await asyncio.sleep(0.001)


async def test_a_verdict_is_written_when_the_disk_has_room_again(begun: Path) -> None:
    """Each link failed for the cause that broke the run."""
    clock = FakeClock()
    writing = asyncio.create_task(write_verdict(begun, "no space left", clock))
    with no_file_larger_than(16):
        await wait_asleep(clock)
    assert "" == read_record(begun).verdict
    clock.advance(PAUSE_NS)
    assert await writing
    record = read_record(begun)
    assert "failed" == record.verdict
    assert [("failed", "no space left")] * 2 == [(link.verdict, link.cause) for link in record.links]


async def test_a_log_that_somebody_deleted_is_not_waited_for(begun: Path) -> None:
    """The verdict is written at once."""
    (begun / "events.jsonl").unlink()
    assert await write_verdict(begun, "cannot read events.jsonl", FakeClock())
    assert "failed" == read_record(begun).verdict


async def test_a_verdict_that_stands_is_left_alone(tmp_path: Path) -> None:
    """Whatever broke afterwards."""
    with make_run(tmp_path) as folder:
        before = (folder.path / "run.json").read_bytes()
        assert await write_verdict(folder.path, "something broke", FakeClock())
        assert before == (folder.path / "run.json").read_bytes()


async def test_it_is_not_tried_for_ever(begun: Path, tmp_path: Path) -> None:
    """Nor at all where there is no run's folder."""
    clock = FakeClock()
    assert not await write_verdict(tmp_path / "gone", "it is gone", clock)
    with no_file_larger_than(16):
        writing = asyncio.create_task(write_verdict(begun, "no space left", clock))
        for _ in range(TRIES):
            await wait_asleep(clock)
            clock.advance(PAUSE_NS)
        assert not await writing
