"""What a link took of the forwarder's memory is free when the link is gone."""

from __future__ import annotations

import os
from array import array
from collections.abc import Iterator
from pathlib import Path

import pytest

from plctl.agent.kernel.link_namespaces import (
    LINK_CLIENT_INTERFACE,
    LINK_SERVER_INTERFACE,
    LinkNamespaces,
    build,
    remove,
)
from plctl.agent.native import _core, half_config
from plctl.agent.ownership.ledger import Ledger
from plctl.common.plan.run_plan import LinkPlan

ROWS = 500_000
SCHEDULE_BYTES = ROWS * 8 * len(_core.ROW_FIELDS)


@pytest.fixture
def built(namespaces: LinkNamespaces, plan: LinkPlan, ledger: Ledger) -> Iterator[LinkNamespaces]:
    """Namespaces for a link."""
    build(namespaces, plan, ledger)
    yield namespaces
    remove(namespaces, ledger)


@pytest.fixture
def forwarder() -> Iterator[_core.Forwarder]:
    """One of this process, with one slot."""
    memory = os.memfd_create("plctl-test")
    os.ftruncate(memory, _core.stats_size(1))
    made = _core.Forwarder(stats=memory, slots=1, workers=(("off", 0, -1, 0, 0, 0),), budget_bytes=2**24)
    os.close(memory)
    yield made
    made.close()


def resident_bytes() -> int:
    """What this process has of the machine's memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def schedule() -> _core.Schedule:
    """A large one."""
    columns = {"time_ns": range(ROWS), "rate_bps": (10**9,) * ROWS, "queue_bytes": (-1,) * ROWS}
    data = tuple(array("q", columns.get(name, (0,) * ROWS)).tobytes() for name in _core.ROW_FIELDS)
    return _core.Schedule(columns=data, routes=1, period_ns=0)


@pytest.mark.parametrize("io", ["packet", "xdp"])
def test_a_schedule_goes_with_the_last_link_that_follows_it(
    io: str, forwarder: _core.Forwarder, built: LinkNamespaces, plan: LinkPlan
) -> None:
    """Links that come and go, each with a large schedule, take no more memory than one."""
    taken = []
    for _ in range(4):
        half = {**half_config(plan, "up", seed=0), "schedule": schedule()}
        forwarder.add(
            0,
            netns=f"/run/netns/{built.link}",
            interfaces=(LINK_CLIENT_INTERFACE, LINK_SERVER_INTERFACE),
            up=half,  # type: ignore[arg-type]
            down=half,  # type: ignore[arg-type]
            mtu=plan.mtu,
            overhead_bytes=0,
            ring_bytes=2**20,
            store_bytes=2**20,
            io=io,
            packet_log="",
            coalesce_ns=0,
        )
        del half
        forwarder.remove(0)
        taken.append(resident_bytes())
    assert taken[-1] - taken[0] < SCHEDULE_BYTES
