"""The history of a link: the first cause, when, how well the clock was known, and how to run it again."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from support.synthetic_run import RUN, handover_plan, make_run, plan_record, workload_result

from plctl.common.base.errors import UserError
from plctl.controller.results.run_folder import RunFolder
from plctl.controller.view.local_runs import LocalRuns
from plctl.controller.view.why import again, document, gather, render


async def told(base: Path, link: str = "leo-0") -> list[str]:
    """The history in lines."""
    return list(render(await gather(LocalRuns(base), RUN, link)))


async def test_a_failed_link_says_why_and_what_its_workload_said(tmp_path: Path) -> None:
    """The cause comes first, the end of standard error is quoted, and figures stand for both directions."""
    bad = workload_result("client", 1, "exit status 1")
    said = b"".join(b"line %d\n" % number for number in range(100)) + b"connect: Connection refused\n"
    with make_run(tmp_path, workload=bad, artifacts={"client.stderr": said}) as folder:
        folder.append_events([{"t_ns": 10**15, "event": "link.finished", "link": "leo-1"}])
    lines = await told(tmp_path)
    assert [f"leo-0 of {RUN} on edge-1: failed", "first cause: client: exit status 1"] == lines[:2]
    text = "\n".join(lines)
    assert "standard error of client, its end:\n  line 89\n" in text
    assert "  connect: Connection refused\n" in text
    assert "\nworkload client at the client: exit status 1\n" in text
    assert "whole run up: 2819 packets arrived, 2811 delivered, 0 dropped by the emulated queue, 0 lost" in text
    assert "last telemetry down: row 6 asks 37 ms 10.01 Mbit/s" in text
    assert "leo-1" not in text


async def test_the_timeline_has_planned_and_actual_start_with_the_clocks_bound(tmp_path: Path) -> None:
    """In seconds from T0; the bound before and after, and who says so."""
    make_run(tmp_path).close()
    lines = await told(tmp_path)
    assert any(line.startswith("   +0.000000 s  planned start       T0, 2026-11-23T") for line in lines)
    expected = (
        "+0.000018 s  actual start        18 µs after T0 on its host's clock; clock ± 0 ns before and ± 0 ns after"
    )
    assert any(expected in line and line.endswith("(same clock)") for line in lines)


async def test_what_the_machine_lost_is_told_by_cause(tmp_path: Path) -> None:
    """An emulator loss is never mixed with the emulated drops."""
    make_run(tmp_path, overloaded="leo-0").close()
    assert any("7 lost by the machine (ring 7, send 0, memory 0, seen late 0)" in line for line in await told(tmp_path))


async def test_before_t0_times_count_from_the_first_event_and_the_log_knows_the_cause(tmp_path: Path) -> None:
    """A link that was never built has no telemetry and no result, but a history."""
    with RunFolder.create(tmp_path, RUN) as folder:
        folder.record_plan(plan_record((handover_plan(),)))
        failed = {
            "t_ns": 3_000_000_000,
            "event": "link.failed",
            "link": "leo-0",
            "cause": "cannot make it: File exists",
        }
        folder.append_events([{"t_ns": 1_000_000_000, "event": "run.preparing"}, failed], "edge-1")
        lines = await told(tmp_path)
    assert "first cause: cannot make it: File exists" in lines
    assert any(line.startswith("   +2.000000 s  link.failed         cannot make it: File exists") for line in lines)


async def test_programs_get_the_same_story(tmp_path: Path) -> None:
    """One document, times in nanoseconds."""
    make_run(tmp_path, slow="leo-0").close()
    found = document(await gather(LocalRuns(tmp_path), RUN, "leo-0"))
    assert ("late", 18_000, [0, 0]) == (found["verdict"], found["skew_ns"], found["clock_bound_ns"])
    assert found["telemetry"]["up"]["delivered_bytes"] > 0
    assert found["events"][0]["event"] == "run.accepted"


async def test_an_unknown_link_is_refused_with_the_nearest(tmp_path: Path) -> None:
    """A typing error costs one look."""
    make_run(tmp_path).close()
    with pytest.raises(UserError, match=r"has no link 'leo-o'; did you mean leo-0\?"):
        await gather(LocalRuns(tmp_path), RUN, "leo-o")


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        (("/opt/bin/plctl", "run", "a b.yaml"), "plctl run 'a b.yaml' --seed 1"),
        (("plctl", "run", "a.csv", "--seed", "7"), "plctl run a.csv --seed 7"),
        (("plctl", "run", "a.csv", "--", "ping", "x"), "plctl run a.csv --seed 1 -- ping x"),
    ],
)
def test_the_command_that_runs_it_again_has_the_seed(command: tuple[str, ...], expected: str) -> None:
    """A seed that was drawn is part of what ran; the user's own command stays behind its dashes."""
    assert expected == again(replace(plan_record((handover_plan(),)), command=command))
