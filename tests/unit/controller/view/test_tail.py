"""A log that is followed while it grows, and put in order in the end."""

from __future__ import annotations

import asyncio
from pathlib import Path

from support.hostile import until
from support.synthetic_run import RUN, WALL_NS, handover_plan, plan_record

from plctl.common.base.clock import FakeClock
from plctl.controller.report.finishing import finish
from plctl.controller.results.event_log import Event
from plctl.controller.results.run_folder import RunFolder
from plctl.controller.view.local_runs import LocalRuns
from plctl.controller.view.tail import LOOK_NS, tail_events


async def test_every_event_is_told_once_although_the_log_is_put_in_order(tmp_path: Path) -> None:
    """Events come late and out of order; the file is rewritten in the end, and nothing is told twice or left out."""
    told: list[int] = []
    clock = FakeClock()

    async def listen() -> None:
        async for event in tail_events(LocalRuns(tmp_path), RUN, clock):
            told.append(event["t_ns"])

    def say(*times: int) -> list[Event]:
        return [{"t_ns": t, "event": "link.ready"} for t in times]

    with RunFolder.create(tmp_path, RUN) as folder:
        folder.record_plan(plan_record((handover_plan(),)))
        folder.append_events(say(5, 3))
        listening = asyncio.create_task(listen())
        await until(lambda: told == [3, 5])
        folder.append_events(say(4, 9, 9))
        clock.advance(LOOK_NS)
        await until(lambda: told == [3, 5, 4, 9, 9])
        folder.append_events(say(1))
        folder.record_result([], failures={}, cancelled=True, finished_wall_ns=WALL_NS)
        folder.close()
        finish(folder.path)
        clock.advance(LOOK_NS)
        await listening
    assert [3, 5, 4, 9, 9, 1] == told
