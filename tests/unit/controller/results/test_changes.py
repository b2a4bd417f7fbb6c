"""The log of a run tells how its links were changed; run.json has it from there, whatever else an agent says."""

from __future__ import annotations

import json
from pathlib import Path

from support.synthetic_run import handover_plan, plan_record

from plctl.common.plan.link_change import AppliedChange, LinkChange, changed_plan, facts_of
from plctl.controller.analysis.open_run import RunResults
from plctl.controller.launch.again import request_again
from plctl.controller.results.changes import changes_by_link
from plctl.controller.results.run_folder import RunFolder
from plctl.controller.results.run_reader import read_record

FIRST = AppliedChange(5, LinkChange({"delay_ns": 1}), LinkChange({"delay_ns": 9}), "ada")
SECOND = AppliedChange(7, LinkChange({}, {"rate_bps": 2}, hold=True), LinkChange({}, {"rate_bps": 4}), "bob")


def event(change: AppliedChange, link: str = "leo", **other: object) -> dict[str, object]:
    """As an agent tells of it."""
    return {"event": "scenario.changed", "link": link, "t_ns": 1, **facts_of(change), **other}


def test_changes_are_in_order_and_told_once(tmp_path: Path) -> None:
    """By link, in the order in which they hold; the same one told twice is one."""
    log = tmp_path / "events.jsonl"
    told = [event(SECOND), event(FIRST), event(SECOND), event(FIRST, "meo"), {"event": "link.ready", "link": "leo"}]
    log.write_text("".join(json.dumps(each) + "\n" for each in told))
    assert {"leo": (FIRST, SECOND), "meo": (FIRST,)} == changes_by_link(log)


def test_what_is_no_change_is_left_out(tmp_path: Path) -> None:
    """An agent's words are not trusted: the record can always be read."""
    log = tmp_path / "events.jsonl"
    bad: list[dict[str, object]] = [
        {"event": "scenario.changed"},
        event(FIRST, at_ns=-1),
        event(FIRST, at_ns="5"),
        event(FIRST, up={"time_ns": 3}),
        event(FIRST, up={}, down={}),
        event(FIRST, up=[1]),
        event(FIRST, hold=None),
    ]
    log.write_text("".join(json.dumps(each) + "\n" for each in bad))
    assert {} == changes_by_link(log)


def test_the_record_says_what_was_asked_in_the_end(tmp_path: Path) -> None:
    """The plan stays as it was; with the changes it is what the link followed."""
    plan = handover_plan("leo")
    folder = RunFolder.create(tmp_path, plan_record((plan,)).run)
    folder.record_plan(plan_record((plan,)))
    folder.append_events([event(FIRST), event(SECOND)], "h")
    folder.record_result([], failures={}, cancelled=True, finished_wall_ns=1)
    folder.close()
    link = read_record(folder.path).links[0]
    assert (plan, (FIRST, SECOND)) == (link.plan, link.changes)
    asked = changed_plan(changed_plan(plan, FIRST.change, 5), SECOND.change, 7)
    assert asked == link.asked
    assert [asked] == [each.plan for each in request_again(folder.path).links], "run again, it changes again"
    assert 5 in RunResults(folder.path).schedule("leo", "up")["time_ns"].to_pylist()
