"""The history of a link: the first cause, when, how well the clock was known, and how to run it again."""

from __future__ import annotations

import json
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
    executed = "(executed 20 µs after T0, ended 14 s after T0)"
    assert f"\nworkload client at the client: exit status 1 {executed}\n" in text
    assert "whole run up: 2819 packets arrived, 2811 delivered, 0 dropped as the scenario asked, 0 lost" in text
    assert "last telemetry down: row 6 asks 37 ms 10.01 Mbit/s" in text
    assert "leo-1" not in text


async def test_the_certificate_is_told_with_the_witness_that_objects_first(tmp_path: Path) -> None:
    """Whoever asks why reads who saw what, and when, before what happened in which order."""
    make_run(tmp_path, overloaded="leo-0").close()
    lines = await told(tmp_path)
    at = lines.index("certificate (in seconds after T0):")
    words = "the machine, not the scenario, lost 7 frames up (receive ring 7)"
    assert lines[at + 1].split(maxsplit=6) == ["overloaded", "losses", "−0.09", "…", "14", "s", words]
    marks = [line.split(maxsplit=1)[0] for line in lines[at + 2 : lines.index("", at) - 1]]
    assert marks == ["no"] * len(marks)
    assert len(marks) > 5
    assert "+0.000000 s" not in "".join(lines[:at])


async def test_the_json_has_the_certificate_and_what_it_cannot_see(tmp_path: Path) -> None:
    """Programs read each statement with the times that it is about."""
    make_run(tmp_path).close()
    found = json.loads(json.dumps(document(await gather(LocalRuns(tmp_path), RUN, "leo-0"))))
    (start,) = (each for each in found["certificate"] if each["witness"] == "start")
    assert (True, "ok") == (start["heard"], start["verdict"])
    assert start["from_ns"] == start["until_ns"] > 0
    assert found["unseen"]


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
    assert any("7 lost by the machine (receive ring 7)" in line for line in await told(tmp_path))


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
