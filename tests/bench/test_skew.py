"""How far apart links on 20 hosts with unrelated clocks start, and how often the stated bound contains that.

All hosts are of one laboratory: one kernel keeps their clocks, so the truth is known to the nanosecond. They also share
this machine's CPUs, which real hosts do not: what is measured is at worst that late on them.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from bench.table import Row, Table, row
from support.cluster import Cluster, cluster

from plctl.agent.lab.delay import Delay
from plctl.agent.lab.design import AccessLink
from plctl.agent.lab.lab import Lab, take_down
from plctl.common.base.units import NS_PER_MS, NS_PER_US

HOSTS = 20
STARTS = int(os.environ.get("PLCTL_BENCH_STARTS", "50"))
BUDGET_US = 500.0
SPEC = """
name: skew
budget: {skew: 100ms}
duration: 1ms
links: [{name: link, count: 20, scenario: path.csv}]
"""
FAR = Delay(5 * NS_PER_MS, 2 * NS_PER_MS)
#: Odd hosts' queries take long and even ones' answers do: their errors have opposite signs.
ODD, EVEN = (AccessLink(up=Delay(up), down=Delay(10 * NS_PER_MS - up)) for up in (9 * NS_PER_MS, NS_PER_MS))
ACCESSES = {
    "near": {},
    "5 ± 2 ms": {f"h{i}": AccessLink(up=FAR, down=FAR) for i in range(1, HOSTS + 1)},
    "lopsided": {f"h{i}": ODD if i % 2 else EVEN for i in range(1, HOSTS + 1)},
}


def measure(site: Cluster, starts: int) -> list[tuple[int, int, int]]:
    """Of each start, the real spread of T0, the real skew and the stated bound, in ns.

    A run that was aborted is told and not counted.
    """
    found = []
    for _ in range(starts):
        record = site.run(SPEC)
        if record.skew_bound_ns < 0:
            print(f"\naborted: {record.cause}", end="")
        else:
            found.append((site.real_t0_spread_ns(record), site.real_skew_ns(record), record.skew_bound_ns))
    return found


def rows(way: str, found: list[tuple[int, int, int]]) -> list[Row]:
    """What is to be known of `found`: percentiles of all, and how often the bound held."""
    made = []
    for what, values in zip(("spread of T0", "skew", "its bound"), zip(*found, strict=True), strict=True):
        us = sorted(value / NS_PER_US for value in values)
        for name, at in {"p50": us[len(us) // 2], "p99": us[len(us) * 99 // 100]}.items():
            judged = (what, name) == ("skew", "p99") and way != "lopsided"
            budget, met = (f"≤ {BUDGET_US:g}", at <= BUDGET_US) if judged else ("", None)
            made.append(Row(f"{what}, {HOSTS} hosts, {name}", way, "µs", at, us[0], us[-1], {}, budget, met))
    held = sum(skew <= bound for _, skew, bound in found)
    what = f"within the bound, {held} of {len(found)}"
    return [*made, row(what, way, "%", [100 * held / len(found)], budget="100", met=held == len(found))]


@pytest.fixture
def lab_name() -> Iterator[str]:
    """The name of a laboratory, which is gone at the end."""
    name = f"skew{os.getpid()}"
    yield name
    take_down(name)


@pytest.mark.timeout(900)
@pytest.mark.parametrize("way", ACCESSES)
def test_skew(way: str, lab_name: str, tmp_path: Path, table: Table) -> None:
    """Percentiles over the starts. The bound must hold every time; links are to start within 0.5 ms.

    Where paths are lopsided the skew is what they make it, and only the bound is judged.
    """
    (tmp_path / "path.csv").write_text("Time[ms],RouteID,Delay[ms],Btldr[Mbps]\n0,0,1,10\n")
    with cluster(Lab.up(lab_name, HOSTS, accesses=ACCESSES[way]), tmp_path) as site:
        found = measure(site, STARTS)
    for each in rows(way, found):
        table.add(each)
