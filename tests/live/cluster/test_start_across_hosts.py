"""Links on hosts with clocks of their own start together, and how far apart they started is stated truly."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from support.cluster import Cluster, cluster

from plctl.agent.lab.delay import Delay
from plctl.agent.lab.design import AccessLink
from plctl.agent.lab.lab import Lab
from plctl.common.base.units import NS_PER_MS
from plctl.controller.results.run_record import RunRecord

FAR = Delay(5 * NS_PER_MS, 2 * NS_PER_MS)
#: h1 is close by; h2 is far; to h3 it takes longer than back.
ACCESSES = {"h2": AccessLink(up=FAR, down=FAR), "h3": AccessLink(up=Delay(NS_PER_MS), down=Delay(9 * NS_PER_MS))}
#: How late frames are is not asked here, and none is sent: on a machine with other things to do, workers have gaps.
SPEC = """
name: together
budget: {{skew: {skew}, lateness: 1s}}
duration: 200ms
links:
  - {{name: near, scenario: path.csv, hosts: [h1]}}
  - {{name: far, scenario: path.csv, hosts: [h2]}}
  - {{name: lopsided, scenario: path.csv, hosts: [h3]}}
"""


def run(site: Cluster, skew: str) -> RunRecord:
    """A link on each host, which may start `skew` from T0."""
    return site.run(SPEC.format(skew=skew))


@pytest.mark.timeout(180)
def test_unrelated_clocks_start_together_within_the_stated_bound(bring_up: Callable[..., Lab], tmp_path: Path) -> None:
    """Near, far and lopsided hosts: each offset and the skew are wrong by no more than is said, before and after T0.

    A lopsided path shifts the start, and the bound grows with it; a run whose budget is less than that is refused with
    a sentence, starts nothing, and leaves the hosts ready for the next.
    """
    (tmp_path / "path.csv").write_text("Time[ms],RouteID,Delay[ms],Btldr[Mbps]\n0,0,1,10\n")
    with cluster(bring_up(3, accesses=ACCESSES), tmp_path, "--io", "xdp") as site:
        refused = run(site, "2ms")
        assert "failed" == refused.verdict
        assert "is known only to within" in refused.cause
        assert all(link.started_ns is None for link in refused.links)
        record = run(site, "60ms")
        assert ("ok", "") == (record.verdict, record.cause)
        assert record.t0_ns is not None
        assert site.real_skew_ns(record) <= record.skew_bound_ns
        for host in record.hosts:
            assert host.clock_offset_ns is not None
            error_ns = abs(host.clock_offset_ns - site.real_offset_ns(host.name))
            assert error_ns <= host.bound_after_ns
            assert error_ns <= host.bound_before_ns
            assert "exchanges" == host.clock_source
        assert record.host("h3").bound_ns > 4 * NS_PER_MS
        for name, agent in site.agents().items():
            assert abs(agent["offset_ns"] - site.real_offset_ns(name)) <= agent["bound_ns"]
