"""A run for programs: the document of `plctl show --json`, and what else is made of the same state."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from plctl.common.protocol.requests import RunState
from plctl.common.protocol.wire import to_plain
from plctl.controller.results.run_record import RunRecord
from plctl.controller.view import summary
from plctl.controller.view.live_state import as_json


def run_document(record: RunRecord, state: RunState, folder: Path | None) -> dict[str, Any]:
    """How the run is and, once it is over, its result. Times are integer nanoseconds, sizes bytes.

    :param folder: with its results, if they are on this machine.
    """
    links = [{**to_plain(link), "up": as_json(link.up), "down": as_json(link.down)} for link in state.links]
    return {**to_plain(state), "links": links, "result": result_document(record, state, folder)}


def state_document(record: RunRecord, state: RunState, folder: Path | None) -> dict[str, Any]:
    """The same without its links."""
    info = to_plain(replace(state, links=()))
    del info["links"]
    return {**info, "result": result_document(record, state, folder)}


def result_document(record: RunRecord, state: RunState, folder: Path | None) -> dict[str, Any] | None:
    """What came of a run that is over."""
    return summary.document(record, folder) if state.info.verdict else None
