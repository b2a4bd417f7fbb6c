"""A seed decides a plan, all of it; what it asks for is a run spec that plctl takes."""

from __future__ import annotations

from pathlib import Path

import pytest
from truth.capture.frame import Number, read_frame
from truth.programs import sender

from chaos.faults.kinds import KINDS
from chaos.plan import WINDOW_MS, draw
from chaos.programs import witness
from plctl.controller.spec.run_spec import load_run


def test_a_seed_is_a_plan() -> None:
    """The same one again, and another one for another seed."""
    assert draw(17) == draw(17)
    assert draw(17) != draw(18)


def test_seeds_have_every_fault() -> None:
    """So that a hundred of them meet everything that is known."""
    assert set(KINDS) == {fault.kind for seed in range(100) for fault in draw(seed).faults}


def test_the_judge_knows_the_witness_by_its_datagrams() -> None:
    """Their header is that of the judge's own sender, of which a workload can import nothing."""
    assert (sender.HEADER.format, sender.MAGIC) == (witness.HEADER.format, witness.MAGIC)
    load = witness.payload(3, 7, witness.FULL_BYTES)
    ip = bytes([0x45, 0]) + (28 + len(load)).to_bytes(2) + bytes(5) + b"\x11" + bytes(10)
    frame = read_frame(bytes(12) + b"\x08\x00" + ip + bytes(8) + load, 5, 1514, outgoing=True, finished=True)
    assert Number(3, 0, 7) == frame.number


def test_a_plan_is_short() -> None:
    """One seed is to take less than a minute."""
    for seed in range(50):
        plan = draw(seed)
        assert all(fault.at_ms < WINDOW_MS and fault.length_ms <= 6000 for fault in plan.faults)
        assert all(3 <= run.seconds <= 6 for run in plan.runs)
        assert len(plan.runs) > 2


@pytest.mark.parametrize("seed", range(5))
def test_its_runs_are_run_specs(seed: int, tmp_path: Path) -> None:
    """With a link for each that was planned, on its host, and with two witnesses."""
    (tmp_path / "witnesses").mkdir()
    for planned in draw(seed).runs:
        request = load_run(planned.write(tmp_path))
        assert [link.name for link in planned.links] == [link.plan.name for link in request.links]
        assert [(link.host,) for link in planned.links] == [link.hosts for link in request.links]
        assert all(len(link.plan.workloads) == 2 for link in request.links)
