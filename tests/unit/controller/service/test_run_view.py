"""What a run looks like to whoever asks is every sample so far, added up, however they came."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from plctl.common.protocol import requests as rq
from plctl.common.telemetry.samples import SAMPLE_COLUMNS, Sample, Samples
from plctl.controller.service import run_view
from plctl.controller.service.run_view import RunView


@dataclass(frozen=True)
class Plan:
    """All of a plan that a view looks at."""

    name: str
    workloads: tuple[()] = ()


@dataclass(frozen=True)
class Link:
    """All of a link's record that a view looks at."""

    plan: Plan
    host: str = "edge-1"


@dataclass(frozen=True)
class Record:
    """All of a run's record that a view looks at."""

    links: tuple[Link, ...]
    duration_ns: int = 0


def samples(link: str, t_ns: int, **counts: int) -> Samples:
    """One sample up of `link`, all zero but what is said."""
    values = dict.fromkeys(SAMPLE_COLUMNS, 0) | {"t_ns": t_ns, "link": link, "direction": "up"} | counts
    return Samples.of([Sample(**values)])  # type: ignore[arg-type]


def up(view: RunView, link: str) -> dict[str, int]:
    """What is shown of it, by name; empty before its first sample."""
    found = next(each for each in view.links() if each.link == link)
    assert () == found.down
    return dict(zip(rq.LIVE_COLUMNS, found.up, strict=True)) if found.up else {}


@pytest.mark.parametrize("together", [1, 3, 1000])
def test_sums_are_of_all_and_states_are_the_newest(together: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many are added up at once, and whenever somebody asks between them."""
    monkeypatch.setattr(run_view, "_TOGETHER", together)
    view = RunView(Record((Link(Plan("a")), Link(Plan("b")))))  # type: ignore[arg-type]
    assert {} == up(view, "a")
    for number in range(1, 8):
        view.samples("edge-1", samples("b", 10 * number, delivered_bytes=100, queue_bytes=number, lost_ring=1))
        view.samples("edge-1", samples("a", number, queue_bytes=5))
        if number in (2, 5):
            assert 100 * number == up(view, "b")["delivered_bytes"]
    shown = up(view, "b")
    assert (700, 7, 7, 70) == tuple(shown[name] for name in ("delivered_bytes", "lost_ring", "queue_bytes", "t_ns"))
    assert (0, 5, 7) == tuple(up(view, "a")[name] for name in ("delivered_bytes", "queue_bytes", "t_ns"))
