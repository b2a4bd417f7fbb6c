"""`plctl clean` with a controller: its agents are told to clean, for runs that are over."""

from __future__ import annotations

from support.fake_controller import client_of

from plctl.agent.commands.clean import _clean_agents
from plctl.common.protocol import messages as m
from plctl.common.protocol import requests as rq


def info(run: str, verdict: str) -> rq.RunInfo:
    """A run that is over if it has a verdict."""
    return rq.RunInfo(run, "leo", "done" if verdict else "running", "ada", "", 1, ("h1",), verdict)


RUNS = rq.Runs((info("r-on", ""), info("r-3c", "ok"), info("r-1b", "failed")))


def answer(request: rq.ClientRequest) -> m.Message:
    """A controller with three runs, one of which goes on."""
    match request:
        case rq.ListRuns():
            return RUNS
        case rq.Clean(run):
            return m.Refused(f"{run} goes on") if run == "r-on" else rq.Done(f"cleaned {run}")
    raise AssertionError(f"{request} was not to be asked")


async def test_without_a_run_all_that_are_over_are_cleaned() -> None:
    """One that goes on is left alone without a word."""
    async with client_of(answer) as client:
        assert {"r-3c": "cleaned r-3c", "r-1b": "cleaned r-1b"} == await _clean_agents(client, None)


async def test_one_run_may_be_named_by_the_end_of_its_id() -> None:
    """As on one machine."""
    async with client_of(answer) as client:
        assert {"r-1b": "cleaned r-1b"} == await _clean_agents(client, "1b")
