"""What Prometheus scrapes is in its format and to its conventions, bounded, and says what was left out."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample
from support.synthetic_run import handover_plan, plan_record
from support.web.served import served, served_source
from support.web.simulated import request, simulated_controller

from plctl.common.protocol import requests as rq
from plctl.common.telemetry.counters import CAUSES, COUNTERS, CounterGroup
from plctl.controller.service.run_view import RunView
from plctl.controller.web.monitoring.families import registry_of
from plctl.controller.web.monitoring.snapshot import MOST_LINKS, Monitored, MonitoredRun
from plctl.controller.web.routes import API
from plctl.controller.web.sources.controller_source import ControllerSource
from plctl.controller.web.sources.source import monitored_runs

_VALUES = {name: number for number, name in enumerate(rq.LIVE_COLUMNS, 1)}


def parsed(text: str) -> Iterator[Sample]:
    """All samples of an exposition, as Prometheus's own parser has them."""
    for family in text_string_to_metric_families(text):
        yield from family.samples


def of(text: str, name: str, **labels: str) -> list[float]:
    """The values of the series that are called so and have these labels."""
    return [each.value for each in parsed(text) if each.name == name and labels.items() <= each.labels.items()]


@pytest.fixture
def text() -> str:
    """An exposition of a run with a link whose name and host are hostile, and half of whose directions was seen."""
    values = tuple(_VALUES.values())
    link = rq.LinkState('a"b\\c\n{x="1"} 2', "edge-1", "started", up=values)
    run = MonitoredRun("r", "running", 10**6, (link,), left_out=3)
    agent = rq.AgentInfo("edge-1", "10.0.0.1", "0.1.0", True, 2 * 10**9, ("r",), 1, 5, 7, 2, 0, -1, "", 4)
    snapshot = Monitored((agent,), (run,), {"ok": 3, "late": 1}, {"unknown_key": 2}, streams=2)
    return generate_latest(registry_of(snapshot)).decode()


def test_values_are_in_base_units(text: str) -> None:
    """Seconds and bytes; counters end in _total; what is not known is absent."""
    assert [_VALUES["delay_ns"] / 1e9] == of(text, "plctl_link_asked_delay_seconds", direction="up")
    assert [_VALUES["delivered_bytes"]] == of(text, "plctl_link_delivered_bytes_total")
    assert [2.0] == of(text, "plctl_agent_silence_seconds", agent="edge-1")
    assert [] == of(text, "plctl_agent_clock_error_bound_seconds")
    assert [3.0] == of(text, "plctl_finished_runs_total", verdict="ok")
    assert [3.0] == of(text, "plctl_links_left_out")
    assert [0.001] == of(text, "plctl_run_lateness_budget_seconds", run="r")


def test_every_counter_of_a_link_has_its_series(text: str) -> None:
    """Drops and losses by their cause; each value once."""
    found = [
        each.value for each in parsed(text) if each.name.startswith("plctl_link_") and each.name.endswith("_total")
    ]
    causes = {**CAUSES[CounterGroup.DROPPED], **CAUSES[CounterGroup.LOST]}
    plain = [each.name for each in COUNTERS.values() if each.group not in (CounterGroup.DROPPED, CounterGroup.LOST)]
    assert sorted(_VALUES[name] for name in (*causes, *plain)) == sorted(found)
    assert [_VALUES["lost_ring"]] == of(text, "plctl_link_lost_packets_total", cause="receive_ring")


def test_a_hostile_name_is_a_label_and_no_line(text: str) -> None:
    """It comes back as it was, and makes no series of its own."""
    assert {'a"b\\c\n{x="1"} 2'} == {each.labels["link"] for each in parsed(text) if "link" in each.labels}
    assert all(each.name.startswith(("plctl_", "process_")) for each in parsed(text))


def test_series_are_bounded() -> None:
    """However many links go on; the others are counted."""
    plans = tuple(handover_plan(f"l{number}") for number in range(300))
    views = {name: RunView(plan_record(plans)) for name in ("a", "b", "c")}
    runs = monitored_runs(views)
    assert MOST_LINKS == sum(len(run.links) for run in runs)
    assert [0, 100, 300] == [run.left_out for run in runs]


async def test_a_controller_is_scraped(tmp_path: Path) -> None:
    """With its agents, the links of what goes on, and in the end the verdict."""
    async with (
        simulated_controller(tmp_path) as site,
        served_source(ControllerSource(site.controller, "here")) as client,
    ):
        run = await site.submit(request(2, "a"))
        seen: list[float] = []
        while not (state := await site.controller.ask("ada", rq.ReadRun(run))).info.verdict:  # type: ignore[union-attr]
            reply = await client.get("/metrics")
            seen += of(reply.body.decode(), "plctl_link_delivered_packets_total", run=run, link="a", direction="up")
        text = (await client.get("/metrics")).body.decode()
        openapi = (await client.get(f"{API}/openapi.json")).document["paths"]
    assert isinstance(state, rq.RunState)
    assert seen == sorted(seen)
    assert seen[-1] > 0
    assert [1.0] == of(text, "plctl_finished_runs_total", verdict=state.info.verdict)
    assert [] == of(text, "plctl_link_delivered_packets_total")
    assert [1.0] == of(text, "plctl_agent_connected", agent="sim")
    assert reply.headers["content-type"].startswith("text/plain; version=")
    assert "/metrics" in openapi


async def test_folders_have_only_the_page_to_tell_of(tmp_path: Path) -> None:
    """And whether the server is well, which needs no login."""
    async with served(tmp_path) as client:
        text = (await client.get("/metrics")).body.decode()
        assert b"ok\n" == (await client.get("/healthz")).body
    assert [0.0] == of(text, "plctl_page_streams")
    assert of(text, "process_cpu_seconds_total")[0] > 0
