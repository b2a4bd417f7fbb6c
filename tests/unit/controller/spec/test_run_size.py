"""A run that no message could carry is refused while nothing is touched, with what takes the room."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from plctl.common.base.errors import InputError
from plctl.common.plan.run_plan import LinkPlan
from plctl.common.plan.run_request import LinkRequest, RunRequest
from plctl.common.scenario.opportunities import Opportunities
from plctl.common.scenario.schedule import Row, Schedule
from plctl.controller.spec import run_size
from plctl.controller.spec.run_size import check_size
from plctl.controller.spec.run_spec import load_run


def request_(links: int, schedules: int, rows: int = 1000) -> RunRequest:
    """A run whose links share so many schedules of random numbers, which do not pack well."""
    numbers = random.Random(1)
    made = [
        Schedule(Row(t, 0, numbers.getrandbits(40), numbers.getrandbits(62)) for t in range(rows))
        for _ in range(schedules)
    ]
    plans = (LinkPlan(f"k{i}", made[i % schedules], made[i % schedules]) for i in range(links))
    return RunRequest("r", 1, tuple(map(LinkRequest, plans)))


def test_what_is_too_large_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the counts of links, schedules and rows, and with a remedy."""
    monkeypatch.setattr("plctl.common.protocol.wire.MAX_MESSAGE_BYTES", 60_000)
    monkeypatch.setattr(run_size, "MAX_MESSAGE_BYTES", 60_000)
    check_size(request_(20, 2), "s.yaml")
    words = r"s\.yaml: is too large to be sent: 20 links, 10 different schedules with 10000 rows .* share scenarios"
    with pytest.raises(InputError, match=words):
        check_size(request_(20, 10), "s.yaml")


def test_opportunities_count(monkeypatch: pytest.MonkeyPatch) -> None:
    """With how many there are, and what can be done about them; those that pack well are no burden."""
    monkeypatch.setattr("plctl.common.protocol.wire.MAX_MESSAGE_BYTES", 60_000)
    monkeypatch.setattr(run_size, "MAX_MESSAGE_BYTES", 60_000)
    numbers = random.Random(1)

    def request(gaps: bytes) -> RunRequest:
        one = Schedule((Row(0, 0, 0, 1),), 0, Opportunities(gaps, 1, 10**9))
        return RunRequest("r", 1, (LinkRequest(LinkPlan("k", one, one)),))

    check_size(request(b"\x01" * 300_000), "s.yaml")
    words = (
        "1 different schedules with 1 rows and 300000 delivery opportunities in all, .*; cut traces, or let their mean"
    )
    with pytest.raises(InputError, match=words):
        check_size(request(bytes(numbers.choices(range(100), k=300_000))), "s.yaml")


def test_the_check_is_part_of_reading_a_run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """So `scenario check`, `--plan` and `run` say the same."""
    monkeypatch.setattr("plctl.common.protocol.wire.MAX_MESSAGE_BYTES", 1000)
    monkeypatch.setattr(run_size, "MAX_MESSAGE_BYTES", 1000)
    path = tmp_path / "long.csv"
    rows = "".join(f"{t},0,{t % 97},{t % 89}\n" for t in range(5000))
    path.write_text(f"Time[ms],RouteID,Delay[ms],Btldr[Mbps]\n{rows}")
    with pytest.raises(InputError, match="is too large to be sent: 1 link"):
        load_run(path)
