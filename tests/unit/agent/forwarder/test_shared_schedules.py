"""The forwarder is given a schedule once, for as long as a link follows it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from plctl.agent.forwarder.shared_schedules import SharedSchedules
from plctl.common.base.errors import KernelError
from plctl.common.scenario.schedule import Row, Schedule

ONE = Schedule((Row(0, 0, 1, 1),))
OTHER = Schedule((Row(0, 0, 2, 2),))


class RecordingChannel:
    """A double of the channel, which writes down what is asked and refuses what it is told to."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, int]] = []
        self.refuses = False

    async def ask(self, verb: str, **arguments: Any) -> None:
        await asyncio.sleep(0)
        self.asked.append((verb, arguments["handle"]))
        if self.refuses:
            raise KernelError("no")


@pytest.fixture
def channel() -> RecordingChannel:
    """One to which nothing was said yet."""
    return RecordingChannel()


async def test_it_is_sent_once_and_forgotten_with_its_last_link(channel: RecordingChannel) -> None:
    """Links that come at the same time wait for the same sending; equal schedules are the same."""
    schedules = SharedSchedules(channel.ask)
    same = Schedule((Row(0, 0, 1, 1),))
    assert [1, 1, 2, 1] == await asyncio.gather(*map(schedules.share, (ONE, same, OTHER, ONE)))
    assert [("share", 1), ("share", 2)] == sorted(channel.asked)
    for _ in range(2):
        await schedules.give_up(ONE)
    assert 2 == len(channel.asked)
    await schedules.give_up(same)
    assert ("forget", 1) == channel.asked[-1]
    assert 3 == await schedules.share(ONE)


async def test_a_refusal_is_everybodys_and_is_not_remembered(channel: RecordingChannel) -> None:
    """All who waited hear of it, and the next one tries again."""
    schedules = SharedSchedules(channel.ask)
    channel.refuses = True
    outcomes = await asyncio.gather(schedules.share(ONE), schedules.share(ONE), return_exceptions=True)
    assert ["no", "no"] == [str(outcome) for outcome in outcomes]
    channel.refuses = False
    assert 2 == await schedules.share(ONE)
