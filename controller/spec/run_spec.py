"""Reads whatever a user may give `plctl run`: a run spec in YAML, or a bare scenario with or without a command."""

from __future__ import annotations

import re
import secrets
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from plctl.common.base.errors import UserError
from plctl.common.cli.extra import needs_extra
from plctl.common.plan.run_request import LinkRequest, RunRequest, SourceFile, allows, check_hosts, fill, resolve
from plctl.common.scenario.readers.opening import given_files, is_trace, read_scenario
from plctl.common.scenario.readers.read_as import AS_IT_IS, ReadAs
from plctl.common.scenario.readers.trace_file import TraceFile
from plctl.controller.spec.bare_run import AS_A_SPEC_DOES, BareLink, bare_run, name_of
from plctl.controller.spec.run_size import check_size

__all__ = [
    "LinkRequest", "RunRequest", "SourceFile", "allows",
    "check_hosts", "fill", "load_run", "looks_like_scenario", "resolve",
]  # fmt: skip

_SEED_BITS = 63
#: The key that a study has and a run spec has not.
_STUDY = re.compile(r"^study\s*:", re.MULTILINE)


def load_run(
    path: Path,
    *,
    command: Sequence[str] = (),
    duration_ns: int = 0,
    seed: int | None = None,
    name: str = "",
    packets: bool = False,
    capture_bytes: int = 0,
    also: Sequence[str] = (),
    reading: ReadAs = AS_IT_IS,
    bare: BareLink = AS_A_SPEC_DOES,
) -> RunRequest:
    """The run that the spec or scenario at `path` asks for.

    :param command: argv to run in the client's namespace from T0 on; only for a bare scenario.
    :param duration_ns: takes the place of the spec's duration; 0: as the spec says.
    :param seed: takes the place of the spec's seed; without either it is random.
    :param name: takes the place of the spec's name.
    :param packets: log the packets of every link, whatever the spec says.
    :param capture_bytes: keep so many bytes of each frame beside its record, likewise; 0: as the spec says.
    :param also: further files that make one scenario with the one at `path`.
    :param reading: how these are to be read; given, `path` is a scenario.
    :param bare: what a bare scenario's link and run shall be like; a spec says that itself.

    :raises InputError: everything that is wrong with the file and with those that it names.
    :raises UserError: a command that is empty; a command or `bare` for a spec; or a spec where the libraries to read it
        are missing.
    """
    if command and not command[0]:
        raise UserError("the command after -- is empty; give a program, e.g. -- ping 192.168.66.2")
    file = TraceFile.at(path, "a run spec or scenario")
    default_seed = secrets.randbits(_SEED_BITS) if seed is None else seed
    default_name = name or name_of(path)
    if also or reading != AS_IT_IS or looks_like_scenario(file):
        found = read_scenario(given_files([str(path), *also]), reading, repeat=bare.repeat)
        request = bare_run(found, path, command, bare, name=default_name, seed=default_seed, duration_ns=duration_ns)
        return _ready(request, path, packets, capture_bytes)
    if command:
        raise UserError(f"{path} is a run spec, which names its own workloads; a command needs a bare scenario")
    if bare != AS_A_SPEC_DOES:
        raise UserError(
            f"{path} is a run spec, which says itself what its links are like: write queue, budget, repeat, overhead,"
            " socket_stats, loss, jitter, duplicate or corrupt there; these options are for a bare scenario"
        )
    if _STUDY.search(file.text):
        raise UserError(f"{path} is a study, not a run spec; try: plctl study run {path}")
    with needs_extra("reading a run spec"):
        from plctl.controller.spec.expand import parse_spec  # noqa: PLC0415  # pydantic and PyYAML: not on every host
    request = parse_spec(file.text, path, name=default_name, seed=default_seed, duration_ns=duration_ns)
    return _ready(_override(request, seed, name), path, packets, capture_bytes)


def _ready(request: RunRequest, path: Path, packets: bool, capture_bytes: int) -> RunRequest:
    check_size(request, str(path))
    links = tuple(replace(link, plan=link.plan.logging(packets, capture_bytes)) for link in request.links)
    return replace(request, links=links)


def looks_like_scenario(file: TraceFile) -> bool:
    """Whether `file` is a scenario rather than a run spec: by the suffix, else by its lines.

    :raises InputError: it cannot be read.
    """
    suffix = Path(file.name).suffix.lower()
    if suffix in (".csv", ".yaml", ".yml"):
        return suffix == ".csv"
    if is_trace(file):
        return True
    first = file.sample[0] if file.sample else ""
    return "," in first and "time" in first.lower() and ": " not in first


def _override(request: RunRequest, seed: int | None, name: str) -> RunRequest:
    return replace(request, seed=request.seed if seed is None else seed, name=name or request.name)
