"""Makes a bundle: a zip that is an RO-Crate by the profile Process Run Crate, with everything that a run or study left.

Source: RO-Crate 1.1 (https://w3id.org/ro/crate/1.1) and Process Run Crate 0.5 (https://w3id.org/ro/wfrun/process/0.5).
"""

from __future__ import annotations

import tempfile
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rocrate.model.contextentity import ContextEntity
from rocrate.model.softwareapplication import SoftwareApplication
from rocrate.rocrate import ROCrate

from plctl.common.base.errors import UserError
from plctl.controller.results.digests import NAME as DIGESTS_NAME
from plctl.controller.results.run_reader import ARTIFACTS_NAME, EVENTS_NAME, REPORT_NAME, RUN_NAME, read_record
from plctl.controller.results.run_record import RunRecord
from plctl.controller.study_folder.study_reader import RUNS_NAME, SPEC_NAME, STUDY_NAME, is_study, read_study

METADATA_NAME = "ro-crate-metadata.json"
_PROFILE = "https://w3id.org/ro/wfrun/process/0.5"
_CRATE_VERSION = "1.1"
_CONFORMS = "conformsTo"
#: File or folder of a run → its media type, and what it is.
_PARTS = {
    RUN_NAME: ("application/json", "The plan, versions, host facts, clock record, start and certificate of each link."),
    EVENTS_NAME: ("application/jsonl", "What happened, in controller time."),
    "telemetry.parquet": ("application/vnd.apache.parquet", "Counters of each link, direction and interval."),
    "socket_stats.parquet": ("application/vnd.apache.parquet", "TCP sockets at the ends of links."),
    REPORT_NAME: ("text/html", "Pictures of what was asked and measured."),
    DIGESTS_NAME: ("text/plain", "SHA-256 of every file."),
    SPEC_NAME: ("application/yaml", "The study as it was given."),
    STUDY_NAME: ("application/json", "Every cell and repetition, with seeds."),
    "journal.jsonl": ("application/jsonl", "What was begun and what came of it."),
    "schedules": ("", "The schedules that links followed."),
    "packets": ("", "Packet logs."),
    ARTIFACTS_NAME: ("", "What programs printed and left."),
    "sources": ("", "The spec and the scenarios, verbatim."),
    "figures": ("", "The pictures of the report as files."),
}  # fmt: skip
_INPUTS = ("sources",)


@dataclass(frozen=True, slots=True)
class Author:
    """Who stands for a bundle, and under what terms it may be used."""

    license: str
    name: str = ""


def write_bundle(folder: Path, target: Path, author: Author, progress: Callable[[int, int], None]) -> None:
    """Write the run or study in `folder` as a bundle to `target`.

    :raises UserError: `folder` is neither, or its run is not over.
    :raises OSError: a file cannot be read, or the bundle not be written.
    """
    with tempfile.TemporaryDirectory(prefix="plctl-bundle-") as place:
        metadata = Path(place) / METADATA_NAME
        _crate(folder, author).metadata.write(place)
        _write_zip(folder, metadata, target, progress)


def _crate(folder: Path, author: Author) -> ROCrate:
    crate = ROCrate(version=_CRATE_VERSION)
    crate.root_dataset["license"] = author.license
    crate.root_dataset[_CONFORMS] = {"@id": _PROFILE}
    crate.add(ContextEntity(crate, _PROFILE, {"@type": "CreativeWork", "name": "Process Run Crate", "version": "0.5"}))
    if author.name:
        person = crate.add(ContextEntity(crate, "#author", {"@type": "Person", "name": author.name}))
        crate.root_dataset["author"] = person
    if is_study(folder):
        study = read_study(folder)
        crate.name = f"plctl study {study.study}"
        crate.description = (
            f"{len(study.cells)} cells, {study.repetitions} repetitions of each, on emulated network links."
        )
        _add_parts(crate, folder, "")
        runs = [path.parent for path in sorted((folder / RUNS_NAME).glob(f"*/{RUN_NAME}"))]
    else:
        crate.name = f"plctl run {folder.name}"
        crate.description = (
            "A run of emulated network links: what was asked, what happened, and the certificate of each link."
        )
        runs = [folder]
    actions = [_add_run(crate, run, run.relative_to(folder).as_posix() + "/" if run != folder else "") for run in runs]
    crate.root_dataset["mentions"] = actions
    return crate


def _add_run(crate: ROCrate, run: Path, prefix: str) -> Any:
    """The run as an action: by plctl of some version, from its sources, to its results."""
    record = read_record(run)
    if not record.verdict:
        raise UserError(f"{run} is not over yet, or was broken off; a bundle is made of what is complete")
    parts = _add_parts(crate, run, prefix)
    inputs = [part for name, part in parts.items() if name in _INPUTS]
    results = [part for name, part in parts.items() if name not in _INPUTS]
    times = {"startTime": record.t0_utc or record.created_utc, "endTime": record.finished_utc}
    properties = {
        "@type": "CreateAction",
        "name": f"{record.name}: {record.verdict}",
        "description": f"{len(record.links)} links, seed {record.seed}" + (f". {record.cause}" if record.cause else ""),
        "actionStatus": {"@id": "http://schema.org/CompletedActionStatus"},
        **{name: value for name, value in times.items() if value},
    }
    action = crate.add_action(_software(crate, record), f"#{record.run}", inputs or None, results, properties)
    if author := crate.root_dataset.get("author"):
        action["agent"] = author
    return action


def _software(crate: ROCrate, record: RunRecord) -> Any:
    version = record.versions.get("plctl", "")
    commit = record.versions.get("commit", "")
    identifier = f"#plctl-{version}-{commit[:12].replace(' ', '-')}"
    known = crate.dereference(identifier)
    if known is not None:
        return known
    properties = {
        "@type": "SoftwareApplication", "name": "plctl", "softwareVersion": version, "description": f"commit {commit}",
        "url": "https://pypi.org/project/plctl/",
    }  # fmt: skip
    return crate.add(SoftwareApplication(crate, identifier, properties=properties))


def _add_parts(crate: ROCrate, folder: Path, prefix: str) -> dict[str, Any]:
    """Name → entity of each part of a run or study that there is; files of `sources` each for itself."""
    parts: dict[str, Any] = {}
    for name, (kind, says) in _PARTS.items():
        path = folder / name
        if path.is_dir():
            inner = [
                _add_file(crate, each, f"{prefix}{name}/{each.relative_to(path).as_posix()}") for each in _files(path)
            ]
            parts[name] = crate.add_directory(
                dest_path=f"{prefix}{name}", properties={"name": name, "description": says}
            )
            if inner:
                parts[name]["hasPart"] = inner
        elif path.is_file():
            properties = {"name": name, "description": says, "encodingFormat": kind}
            parts[name] = _add_file(crate, path, f"{prefix}{name}", properties)
    return parts


def _add_file(crate: ROCrate, path: Path, name: str, properties: dict[str, Any] | None = None) -> Any:
    size = {"contentSize": str(path.stat().st_size)}
    return crate.add_file(dest_path=name, properties={"name": path.name, **(properties or {}), **size})


def _files(folder: Path) -> Iterator[Path]:
    """Every regular file below `folder`, in a fixed order."""
    return (path for path in sorted(folder.rglob("*")) if path.is_file() and not path.is_symlink())


def _write_zip(folder: Path, metadata: Path, target: Path, progress: Callable[[int, int], None]) -> None:
    """All files, those that are packed already as they are; whole or not at all."""
    draft = target.with_name(target.name + ".tmp")
    every = list(_files(folder))
    try:
        with zipfile.ZipFile(draft, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.write(metadata, METADATA_NAME)
            for path in sorted(path for path in folder.rglob("*") if path.is_dir() and not path.is_symlink()):
                archive.mkdir(path.relative_to(folder).as_posix())  # an RO-Crate names folders, so they must be there
            for number, path in enumerate(every):
                progress(number, len(every))
                how = zipfile.ZIP_STORED if path.suffix == ".parquet" else zipfile.ZIP_DEFLATED
                archive.write(path, path.relative_to(folder).as_posix(), how)
        draft.replace(target)
    finally:
        draft.unlink(missing_ok=True)
