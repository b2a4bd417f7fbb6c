"""A controller's runs come to the page as they go on, are the same as its clients see, and can be ended there."""

from __future__ import annotations

from pathlib import Path

from support.web.served import served_source
from support.web.simulated import request, simulated_controller

from plctl.common.transport.refusals import Refusal
from plctl.controller.results.run_reader import read_record
from plctl.controller.verdict.verdict import Verdict
from plctl.controller.web.routes import API
from plctl.controller.web.sources.controller_source import ControllerSource


async def test_a_run_is_followed_to_its_end(tmp_path: Path) -> None:
    """Each sample comes once and in order, rows as they change, then the verdict; afterwards the API tells the same."""
    async with simulated_controller(tmp_path) as site:
        source = ControllerSource(site.controller, "here")
        async with served_source(source) as client:
            run = await site.submit(request(2, "a", "b"))
            named: dict[str, list[object]] = {}
            ends_s: list[float] = []
            async with client.stream(f"{API}/runs/{run}/stream?links=a") as events:
                async for name, document in events:
                    named.setdefault(name, []).append(document)
                    if name == "sample":
                        assert "a" == document["link"]
                        ends_s += document["up"]["end_s"]
            after = (await client.get(f"{API}/runs/{run}/links/a?points=1000")).document
            agents = (await client.get(f"{API}/agents")).document
            runs = (await client.get(f"{API}/runs")).document["runs"]
        record = read_record(source.path(run))
    assert {"state", "matrix", "sample", "event", "ping", "end"} == set(named)
    assert ["sim"] == [each["name"] for each in agents["agents"]]
    assert [(run, "done", record.verdict)] == [(each["run"], each["phase"], each["verdict"]) for each in runs]
    measured = [each for each in after["up"]["measured"]["end_s"] if each in ends_s]
    assert ends_s == sorted(ends_s) == measured
    assert len(ends_s) > 10
    last = named["state"][-1]
    assert isinstance(last, dict)
    assert record.verdict == last["info"]["verdict"] == last["result"]["verdict"]


async def test_a_run_is_ended_on_the_page(tmp_path: Path) -> None:
    """As by plctl cancel; the log and the verdict say who asked for it. A second time there is nothing to end."""
    async with simulated_controller(tmp_path) as site:
        source = ControllerSource(site.controller, "here")
        async with served_source(source) as client:
            csrf = (await client.get(f"{API}/session")).document["csrf"]
            run = await site.submit(request(60, "a"))
            assert 403 == (await client.post(f"{API}/runs/{run}/cancel")).status
            answer = await client.post(f"{API}/runs/{run}/cancel", X_CSRF=csrf)
            assert (202, f"run {run} is being ended") == (answer.status, answer.document["what"])
            await site.over(run)
            again = await client.post(f"{API}/runs/{run}/cancel", X_CSRF=csrf)
    assert "asked for on the page (this machine)" in (tmp_path / run / "events.jsonl").read_text()
    assert 409 == again.status


async def test_what_has_not_happened_yet_is_counted_as_none(tmp_path: Path) -> None:
    """Every verdict and every kind of refusal is there before its first: Prometheus counts from what it has seen on."""
    async with simulated_controller(tmp_path) as simulated:
        found = ControllerSource(simulated.controller, "here").monitored()
    assert dict.fromkeys(Verdict, 0) == found.verdicts
    assert dict.fromkeys(Refusal, 0) == found.refused
