"""An agent that is asked to lets Prometheus scrape how it is, on loopback unless another address is said."""

from __future__ import annotations

import asyncio
import urllib.request

import pytest
from prometheus_client.parser import text_string_to_metric_families

from plctl.agent.service.daemon import Agent
from plctl.agent.service.exposition import Exposition
from plctl.agent.simulated.site import SimulatedSite
from plctl.common.base.clock import RealClock
from plctl.common.base.errors import KernelError, UserError
from plctl.common.base.http_address import HttpAddress, parse_http_address
from plctl.common.transport.hub_and_spoke import LocalHub
from plctl.controller.hub.agent_hub import AgentHub


def scraped(port: int) -> dict[str, float]:
    """The values at /metrics by their names, as Prometheus's own parser has them."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=20) as answer:
        text = answer.read().decode()
    return {each.name: each.value for family in text_string_to_metric_families(text) for each in family.samples}


async def test_an_agent_is_scraped() -> None:
    """Before it serves, and then with what the controller hears of it, too."""
    hub = LocalHub()
    agent_hub = AgentHub(hub, RealClock(), "c")
    agent = Agent("sim", hub.spoke("sim"), RealClock(), SimulatedSite(1))
    with Exposition(HttpAddress("127.0.0.1", 0)) as exposition:
        before = await asyncio.to_thread(scraped, exposition.port)
        tasks = [asyncio.create_task(each) for each in (agent_hub.serve(), agent.serve())]
        exposition.show(agent.figures)
        async with asyncio.timeout(30):
            while "plctl_host_clock_error_bound_seconds" not in (
                now := await asyncio.to_thread(scraped, exposition.port)
            ):
                await asyncio.sleep(0.05)
        agent.stop()
        await tasks[1]
        tasks[0].cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    assert 1 == before["plctl_build_info"]
    assert "plctl_host_runs" not in before
    assert (0, 2**30) == (now["plctl_host_runs"], now["plctl_host_free_memory_bytes"])
    assert 0 <= now["plctl_host_controller_silence_seconds"] < 20
    assert 0 < now["process_resident_memory_bytes"]


def test_a_port_that_is_taken_is_told() -> None:
    """In a sentence with the address."""
    with Exposition(HttpAddress("127.0.0.1", 0)) as first:
        taken = HttpAddress("127.0.0.1", first.port)
        with pytest.raises(KernelError, match=f"serve metrics at 127.0.0.1:{first.port}: Address already in use"):
            Exposition(taken).__enter__()


def test_what_is_an_address() -> None:
    """A port alone is one of this machine's; IPv6 has its brackets."""
    assert HttpAddress("127.0.0.1", 9101) == parse_http_address("9101", "metrics")
    assert HttpAddress("::1", 80) == parse_http_address("[::1]:80", "metrics")
    assert parse_http_address("localhost:1", "metrics").only_loopback
    assert not parse_http_address("0.0.0.0:1", "metrics").only_loopback
    for text in ("", "host", "host:", "host:65536", "::1:80", "h:-1", "h:\u0663"):
        with pytest.raises(UserError, match="is no address for metrics"):
            parse_http_address(text, "metrics")
