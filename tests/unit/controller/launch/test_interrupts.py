"""The first signal cancels a run, whichever it is, and none of the following makes its results get lost."""

from __future__ import annotations

import asyncio
import os
import signal

import pytest

from plctl.controller.launch.interrupts import Interrupts


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_the_first_signal_cancels(number: signal.Signals) -> None:
    """It is named as the cause, acknowledged at once, and a second one is answered too."""
    said: list[str] = []
    causes: list[str] = []

    async def work() -> None:
        cancelled = asyncio.Event()
        interrupts.attach(lambda cause: (causes.append(cause), cancelled.set()))
        os.kill(os.getpid(), number)
        await asyncio.wait_for(cancelled.wait(), 5)
        for again, following in enumerate((number, signal.SIGINT), 2):
            os.kill(os.getpid(), following)
            while len(said) < again:  # two of one kind that nobody has heard yet would be one
                await asyncio.sleep(0)

    before = signal.getsignal(number)
    with Interrupts(said.append) as interrupts:
        interrupts.hold()
        asyncio.run(work())
    assert [f"{number.name} was sent to plctl run"] == causes
    assert "cancelling, writing the report …" == said[0]
    assert all(sentence.startswith("still ending the run") for sentence in said[1:])
    assert before == signal.getsignal(number)


def test_a_signal_before_there_is_a_session_cancels_it_when_there_is_one() -> None:
    """What comes while the agent starts is not lost."""
    causes: list[str] = []

    async def work() -> None:
        interrupts.attach(lambda _: None)
        os.kill(os.getpid(), signal.SIGTERM)
        interrupts.attach(causes.append)
        while not causes:
            await asyncio.sleep(0)

    with Interrupts(lambda _: None) as interrupts:
        interrupts.hold()
        asyncio.run(work())
    assert ["SIGTERM was sent to plctl run"] == causes


def test_nothing_interrupts_the_report() -> None:
    """Once the run is over signals only get an answer."""
    said: list[str] = []
    with Interrupts(said.append) as interrupts:
        interrupts.hold()
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)
    assert ["writing the report …", "still ending the run and writing its report; nothing is lost by waiting"] == said
    assert interrupts.cause


def test_an_ignored_hangup_stays_ignored() -> None:
    """`nohup plctl run …` goes on when its terminal goes away."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with Interrupts(lambda _: None) as interrupts:
            interrupts.hold()
            os.kill(os.getpid(), signal.SIGHUP)
            assert "" == interrupts.cause
        assert signal.SIG_IGN is signal.getsignal(signal.SIGHUP)
    finally:
        signal.signal(signal.SIGHUP, before)
