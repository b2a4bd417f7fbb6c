"""Files are what they were: digests of all, schedules by their content, the scenarios that they were made of."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from plctl.common.base.errors import PlctlError
from plctl.common.scenario.schedule import DIRECTIONS
from plctl.controller.results import source_files
from plctl.controller.results.digests import NAME, check_digests
from plctl.controller.results.run_record import RunRecord
from plctl.controller.results.schedule_files import FOLDER_NAME, read_schedule
from plctl.controller.spec.run_spec import load_run
from plctl.controller.verification.check import ClaimCheck, found

#: So deep lies the folder in which sources are laid out as they were, so that `../..` in a path stays below it.
_DEPTH = 16
#: Options of a command that decide how a scenario is read: without them it cannot be read again.
_READING = (
    "-O", "--option", "--reader", "--also", "--from", "--columns", "--rate", "--delay", "--window", "--step",
    "--repeat",
)  # fmt: skip


def check_files(folder: Path) -> ClaimCheck:
    """Every file is there, unchanged, and none was added since the run was complete."""
    try:
        count, wrong = check_digests(folder)
    except FileNotFoundError:
        return ClaimCheck("files", "unknown", f"there is no {NAME}: the run is not complete, or of an earlier version")
    except (OSError, ValueError) as error:
        return ClaimCheck("files", "broken", f"{NAME} cannot be checked: {error}")
    return found("files", wrong, f"{count} files have the digests that they had when the run was complete")


def check_schedules(folder: Path, record: RunRecord) -> ClaimCheck:
    """The rows and opportunities that links followed have the digests by which run.json names them."""
    wrong, count = [], 0
    schedules = {getattr(link.plan, direction) for link in record.links for direction in DIRECTIONS}
    for digest, facts in {(schedule.digest, schedule.facts) for schedule in schedules}:
        count += 1
        try:
            path = folder / FOLDER_NAME / f"{digest}.parquet"
            actual = read_schedule(path, traced=facts.opportunities).digest
        except PlctlError as error:
            wrong.append(str(error))
            continue
        if actual != digest:
            wrong.append(f"{FOLDER_NAME}/{digest}.parquet has other rows than its name says: theirs is {actual}")
    return found("schedules", wrong, f"{count} schedules have the content that run.json names")


def check_sources(folder: Path, record: RunRecord) -> ClaimCheck:
    """The spec and scenarios in `sources`, read again, ask for the schedules that the links followed."""
    texts = record.sources if record.format == 1 else source_files.read(folder, record.sources)
    first = next(iter(record.sources), "")
    if missing := [path for path in record.sources if path not in texts]:
        return ClaimCheck("sources", "broken", f"the source {missing[0]} is gone")
    if not first or any(word.split("=")[0] in _READING for word in record.command):
        return ClaimCheck(
            "sources", "unknown", "the command decided how the scenario was read, so it cannot be read again alone"
        )
    try:
        with tempfile.TemporaryDirectory(prefix="plctl-verify-") as place:
            inner = Path(place, *(f"{level}" for level in range(_DEPTH)))
            for path, text in texts.items():
                target = Path(os.path.normpath(inner / path.lstrip("/")))
                if not target.is_relative_to(place):
                    return ClaimCheck("sources", "unknown", f"{path} is the path of no file that can be laid out again")
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_text(text, encoding="utf-8", newline="")
            asked = load_run(inner / first.lstrip("/"), seed=record.seed, name=record.name)
    except (PlctlError, OSError) as error:
        return ClaimCheck("sources", "unknown", f"the sources cannot be read again: {error}")
    wanted = {link.plan.name: tuple(getattr(link.plan, each).digest for each in DIRECTIONS) for link in asked.links}
    wrong = [
        f"{link.plan.name} {direction} did not follow what its source says"
        for link in record.links
        for number, direction in enumerate(DIRECTIONS)
        if wanted.get(link.plan.name, ("", ""))[number] != getattr(link.plan, direction).digest
    ]
    return found("sources", wrong, f"{len(texts)} source files, read again, ask for the schedules of all links")
