"""Folders of runs, looked at through the same questions that a controller answers."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner
from support.synthetic_run import DURATION_NS, HOST, INTERVAL_NS, RUN, T0_NS, handover_plan, make_run, plan_record

from plctl.common.base.errors import UserError
from plctl.common.telemetry.samples import LinkStats, Samples, sample
from plctl.controller.commands.show import show
from plctl.controller.results.run_folder import RunFolder
from plctl.controller.view.follow import is_over
from plctl.controller.view.live_state import as_json, named
from plctl.controller.view.local_runs import LocalRuns


async def test_a_finished_run_has_its_verdicts(tmp_path: Path) -> None:
    """Each link's state is its verdict, and its cause is kept."""
    make_run(tmp_path, (handover_plan("a"), handover_plan("b")), slow="b").close()
    state = await LocalRuns(tmp_path).state(RUN)
    assert ("done", "late", 2, ("edge-1",)) == (
        state.info.phase,
        state.info.verdict,
        state.info.links,
        state.info.hosts,
    )
    assert [("a", "ok"), ("b", "late")] == [(link.link, link.state) for link in state.links]
    assert "frames down left late" in state.links[1].cause


async def test_a_run_that_goes_on_is_told_from_its_log_and_telemetry(tmp_path: Path) -> None:
    """The last event of a link is its state; counts are summed up over all samples, gauges are the newest."""
    folder = make_run(tmp_path)
    assert folder.record
    record = folder.record
    folder.record_plan(plan_record((handover_plan(),)))  # as it was before there were verdicts
    folder.append_events([{"t_ns": 2, "event": "link.started", "link": "leo-0"}], "edge-1")
    state = await LocalRuns(tmp_path).state(RUN)
    folder.close()
    assert ("preparing", "", "started") == (state.info.phase, state.info.verdict, state.links[0].state)
    result = record.links[0].result
    assert result
    for half, values in ((result.up, state.links[0].up), (result.down, state.links[0].down)):
        now = named(values)
        assert (half.delivered_bytes, half.dropped_queue_full_packets) == (
            now["delivered_bytes"],
            now["dropped_queue_full_packets"],
        )
        assert 5 == now["row"]


async def test_that_nothing_was_measured_lately_is_told(tmp_path: Path) -> None:
    """The newest sample counts, also where it has no lateness: an older one's is not shown in its place."""
    with make_run(tmp_path) as folder:
        plan, idle = handover_plan(), LinkStats(t0_ns=1)
        folder.append_samples(HOST, Samples.of(sample(plan, idle, idle, T0_NS + 2 * DURATION_NS, INTERVAL_NS)))
    link = await LocalRuns(tmp_path).link(RUN, "leo-0")
    assert -1 == named(link.up)["lateness_p99_ns"]
    told = as_json(link.up)
    assert told
    assert (None, 0) == (told["lateness_p99_ns"], told["queue_bytes"])
    assert as_json(()) is None


async def test_a_run_whose_writer_is_gone_is_told_from_one_that_goes_on(tmp_path: Path) -> None:
    """It has no verdict, and there is nothing to wait for, neither for who follows it nor for a reader of its log."""
    folder = make_run(tmp_path)
    folder.record_plan(plan_record((handover_plan(),)))  # as it was before there were verdicts
    runs = LocalRuns(tmp_path)
    assert not is_over(await runs.state(RUN))
    assert not (await runs.read(RUN, "events.jsonl")).over
    folder.close()
    state = await runs.state(RUN)
    assert is_over(state)
    assert ("broken off", "") == (state.info.phase, state.info.verdict)
    assert "plctl was killed" in state.info.cause
    assert (state.info,) == await runs.runs(10)
    assert (await runs.read(RUN, "events.jsonl")).over
    shown = await asyncio.to_thread(CliRunner().invoke, show, [str(tmp_path / RUN)])
    assert 1 == shown.exit_code
    assert "plctl was killed" in shown.output


async def test_time_stops_where_a_run_was_broken_off(tmp_path: Path) -> None:
    """Seconds since T0 are those until the last moment that the folder knows, whenever somebody looks."""
    folder = make_run(tmp_path)
    assert folder.record
    links = tuple(replace(link, verdict="") for link in folder.record.links)
    folder.record_plan(replace(folder.record, verdict="", duration_ns=2 * DURATION_NS, links=links))
    before_ns = time.monotonic_ns()
    assert before_ns <= (await LocalRuns(tmp_path).state(RUN)).now_ns <= time.monotonic_ns()
    folder.close()
    assert T0_NS + DURATION_NS == (await LocalRuns(tmp_path).state(RUN)).now_ns
    shown = await asyncio.to_thread(CliRunner().invoke, show, [str(tmp_path / RUN)])
    assert "broken off, 14.0 s of 28 s: " in shown.output


async def test_runs_are_listed_newest_first_and_a_broken_one_is_among_them(tmp_path: Path) -> None:
    """A folder that cannot be read does not hide the others."""
    make_run(tmp_path).close()
    with RunFolder.create(tmp_path, "20261124-000000-x-0000"):
        (tmp_path / "20261124-000000-x-0000" / "run.json").write_text("no JSON")
    broken, whole = await LocalRuns(tmp_path).runs(10)
    assert ("unreadable", "ok") == (broken.phase, whole.verdict)
    assert "is not a run's record" in broken.cause
    assert (broken,) == await LocalRuns(tmp_path).runs(1)


async def test_files_are_read_in_parts_also_from_their_end(tmp_path: Path) -> None:
    """An offset from the end is how the tail of a long output is read."""
    make_run(tmp_path, artifacts={"client.stderr": b"0123456789"}).close()
    runs = LocalRuns(tmp_path)
    path = "artifacts/leo-0/client.stderr"
    assert path in [file.path for file in await runs.files(RUN)]
    part = await runs.read(RUN, path, -4)
    assert (b"6789", 6, 10, True) == (part.data, part.offset, part.size, part.over)
    assert b"23" == (await runs.read(RUN, path, 2, 2)).data
    assert b"" == (await runs.read(RUN, path, 10)).data
    assert b"0123456789" == (await runs.read(RUN, path, -100)).data


async def test_what_is_not_there_is_a_sentence(tmp_path: Path) -> None:
    """No run, no link, no file."""
    runs = LocalRuns(tmp_path)
    with pytest.raises(UserError, match="is not a run's folder"):
        await runs.state("nothing")
    make_run(tmp_path).close()
    with pytest.raises(UserError, match="has no link 'x'"):
        await runs.link(RUN, "x")
    with pytest.raises(UserError, match="has no file 'y'"):
        await runs.read(RUN, "y")


@pytest.mark.parametrize("run", ["..", "../there", "/etc", "", "."])
async def test_a_name_that_is_no_folder_s_is_no_run(tmp_path: Path, run: str) -> None:
    """What is beside the folder of runs is nobody's run, though it has a record."""
    make_run(tmp_path / "there").close()
    for ask in (LocalRuns(tmp_path / "here").state(run), LocalRuns(tmp_path / "here").read(run, "run.json")):
        with pytest.raises(UserError, match=r"no run in .* is called"):
            await ask


async def test_only_what_is_inside_of_a_run_s_folder_is_read(tmp_path: Path) -> None:
    """Neither by `..` nor through a link, which is no file of the run either."""
    make_run(tmp_path).close()
    (tmp_path / "secret").write_text("secret")
    (tmp_path / RUN / "link").symlink_to(tmp_path / "secret")
    runs = LocalRuns(tmp_path)
    assert "link" not in [file.path for file in await runs.files(RUN)]
    for path in ("link", "../secret", str(tmp_path / "secret")):
        with pytest.raises(UserError):
            await runs.read(RUN, path)


async def test_a_folder_that_was_renamed_is_found_under_its_new_name(tmp_path: Path) -> None:
    """What is listed can be asked for, whatever the record in it says."""
    make_run(tmp_path).close()
    (tmp_path / RUN).rename(tmp_path / "my copy")
    runs = LocalRuns(tmp_path)
    (listed,) = await runs.runs(10)
    assert "my copy" == listed.run == (await runs.state(listed.run)).info.run
