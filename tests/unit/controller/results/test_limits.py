"""What an agent ran into without losing a frame is told beside the verdict of each link of its host."""

from __future__ import annotations

import json
from pathlib import Path

from support.synthetic_run import HOST, make_run

from plctl.controller.results.limits import limits_by_host

DROPPED = {"event": "telemetry.dropped", "host": HOST, "reports": 3, "cause": "no room", "t_ns": 1}
REFUSED = {"event": "forwarder.started", "host": HOST, "refused": ["cannot lock memory: Operation not permitted"]}
GRANTED = {"event": "forwarder.started", "host": "edge-2", "refused": [], "t_ns": 1}
FAILED = {"event": "socket_stats.failed", "host": "edge-2", "cause": "cannot list sockets: No buffer space", "t_ns": 2}


def test_each_limit_is_a_sentence_of_its_host(tmp_path: Path) -> None:
    """One that is told twice counts once; what is no limit, or no JSON, is passed over."""
    log = tmp_path / "events.jsonl"
    events = (DROPPED, REFUSED, GRANTED, FAILED, DROPPED, {"event": "a.b", "cause": "telemetry.dropped"})
    log.write_text("".join(json.dumps(event) + "\n" for event in events) + '{"event": "telemetry.dropped", "ho')
    assert {
        HOST: ("3 reports of telemetry are missing: no room", "cannot lock memory: Operation not permitted"),
        "edge-2": ("sockets were not looked at to the end: cannot list sockets: No buffer space",),
    } == limits_by_host(log)


def test_limits_of_a_host_stand_beside_the_verdicts_of_its_links(tmp_path: Path) -> None:
    """They leave the verdict as it is."""
    with make_run(tmp_path, events=(DROPPED,)) as folder:
        assert folder.record is not None
        (link,) = folder.record.links
    assert ("ok", ("3 reports of telemetry are missing: no room",)) == (link.verdict, link.also)
