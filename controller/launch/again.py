"""Runs again what a run's folder says was asked: the same links, schedules, programs and seed."""

from __future__ import annotations

from pathlib import Path

from plctl.common.plan.run_request import LinkRequest, RunRequest, SourceFile
from plctl.controller.results import source_files
from plctl.controller.results.run_reader import RUN_NAME, read_record
from plctl.controller.results.run_record import RunRecord


def is_run(path: Path) -> bool:
    """Whether `path` is the folder of a run."""
    return (path / RUN_NAME).is_file()


def request_again(
    folder: Path,
    *,
    duration_ns: int = 0,
    seed: int | None = None,
    name: str = "",
    packets: bool = False,
    capture_bytes: int = 0,
) -> RunRequest:
    """What the run in `folder` was asked for, to be run again.

    Links that were changed while they ran change at the same times again: a change is a row of what is asked for. They
    may go to any host: those of the run may be none of this place. In commands the host's name, where it was
    asked for, stays that of the run. The arguments take the place of the run's own, as with `load_run`.

    :raises UserError: that is no folder of a run.
    """
    record = read_record(folder)
    plans = (link.asked.logging(packets or link.plan.packets, capture_bytes) for link in record.links)
    return RunRequest(
        name=name or record.name,
        seed=record.seed if seed is None else seed,
        links=tuple(map(LinkRequest, plans)),
        duration_ns=duration_ns or record.duration_ns,
        budget=record.budget,
        sample_interval_ns=record.sample_interval_ns,
        socket_stats_ns=record.socket_stats_ns,
        labels=record.labels,
        repositories=record.repositories,
        sources=tuple(SourceFile.of(path, text) for path, text in _sources(folder, record).items()),
    )


def _sources(folder: Path, record: RunRecord) -> dict[str, str]:
    """Path → text; in format 1 the texts stand in run.json."""
    return record.sources if record.format == 1 else source_files.read(folder, record.sources)
