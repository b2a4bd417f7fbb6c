"""Writes the reference of a run's folder and a study's: every field of JSON files and every column of tables."""

from __future__ import annotations

import typing
from collections.abc import Iterable, Mapping

import field_docs
import pyarrow as pa
from tables import table

from plctl.agent.workload.exit_record import ExitRecord
from plctl.common.scenario.schedule import Row, ScheduleFacts
from plctl.common.telemetry.samples import MEASURED_COLUMNS, Sample
from plctl.common.telemetry.socket_stats import Flow, SocketSample
from plctl.controller.results import opportunity_file, packet_file, socket_stats_file, telemetry_file
from plctl.controller.results.column_parts import ADDED
from plctl.controller.results.run_record import RunRecord
from plctl.controller.study_folder.journal import StudyEntry
from plctl.controller.study_folder.study_record import StudyRecord

_HEAD = ("column", "type", "meaning")
#: What a column's type is called.
_TYPES = (
    (pa.types.is_integer, "integer"),
    (pa.types.is_floating, "number"),
    (pa.types.is_boolean, "true or false"),
    (pa.types.is_string, "text"),
)
_EXTRA = {"schedules": "by digest, of each schedule that links follow: its rows are in the folder `schedules`"}


def pages() -> dict[str, str]:
    """Name of each page → its text."""
    return {
        "run-json.md": "\n\n".join(map(_section, [*field_docs.parts(RunRecord), *field_docs.parts(ScheduleFacts)])),
        "telemetry.md": _columns(telemetry_file.SCHEMA, field_docs.meanings(Sample), set(MEASURED_COLUMNS)),
        "socket-stats.md": _columns(
            socket_stats_file.COLUMNS.final, field_docs.meanings(Flow) | field_docs.meanings(SocketSample)
        ),
        "packets.md": _columns(packet_file.SCHEMA, {name: says for name, (_, says) in packet_file.COLUMNS.items()}),
        "schedules.md": _columns(
            pa.schema([(name, pa.int64()) for name in field_docs.names(Row)]), field_docs.meanings(Row)
        ),
        "opportunities.md": _columns(
            pa.schema([(name, pa.int64()) for name in opportunity_file.COLUMNS]), opportunity_file.COLUMNS
        ),
        "exit-json.md": table(("field", "type", "meaning"), _fields(ExitRecord)),
        "study-json.md": "\n\n".join(map(_section, field_docs.parts(StudyRecord))).replace("## ", "### "),
        "study-journal.md": table(("field", "type", "meaning"), _fields(StudyEntry)),
    }


def undocumented() -> list[str]:
    """Every field of which the code says nothing; `pages` fails for a column of which it does not know at all."""
    kinds = [
        *field_docs.parts(RunRecord), ScheduleFacts, ExitRecord, Sample, Flow, SocketSample, Row,
        *field_docs.parts(StudyRecord), StudyEntry,
    ]  # fmt: skip
    return [
        f"{kind.__name__}.{name}"
        for kind in kinds
        for name, meaning in field_docs.meanings(kind).items()
        if not meaning
    ]


def _section(kind: type) -> str:
    says = (kind.__doc__ or "").strip().splitlines()[0]
    extra = [
        (f"`{name}`", "map of [ScheduleFacts](#schedulefacts)", meaning)
        for name, meaning in _EXTRA.items()
        if kind is RunRecord
    ]
    return f"## {kind.__name__}\n\n{says}\n\n" + table(("field", "type", "meaning"), [*_fields(kind), *extra])


def _fields(kind: type) -> Iterable[tuple[str, ...]]:
    hints = typing.get_type_hints(kind)
    for name, meaning in field_docs.meanings(kind).items():
        yield f"`{name}`", _with_unit(field_docs.words(hints[name]), name), meaning


def _columns(schema: pa.Schema, meanings: Mapping[str, str], measured: Iterable[str] = ()) -> str:
    known = {name: says for name, (_, says) in ADDED.items()} | dict(meanings)
    nullable = set(measured)
    rows = (
        (f"`{each.name}`", _with_unit(_type(each.type), each.name, each.name in nullable), known[each.name])
        for each in schema
    )
    return table(_HEAD, rows)


def _type(kind: pa.DataType) -> str:
    return next((word for is_it, word in _TYPES if is_it(kind)), str(kind))


def _with_unit(kind: str, name: str, nullable: bool = False) -> str:
    return ", ".join(filter(None, (kind, field_docs.unit(name), "or null" if nullable else "")))
