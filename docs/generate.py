"""Writes those pages that follow from code and measurements: columns, fields, specs, commands, figures."""

from __future__ import annotations

from importlib.metadata import entry_points
from itertools import starmap
from pathlib import Path
from typing import Any

import field_docs
import performance_page
import run_folder
from pydantic import BaseModel
from pydantic_core import PydanticUndefined
from tables import table as _table

from plctl.common.base.units import NS_PER_MS, format_duration
from plctl.common.plan.run_plan import Capacity
from plctl.common.scenario.readers.columns import COLUMNS
from plctl.common.scenario.readers.opening import ANY_FORMAT, installed_reader, reader_names
from plctl.common.telemetry.counters import COUNTERS
from plctl.controller.orbits.cities import CITIES
from plctl.controller.orbits.shells import SHELLS
from plctl.controller.spec.model import MODELS
from plctl.controller.study.model import STUDY_MODELS

_COMMAND = "```{{eval-rst}}\n.. click:: {place}\n   :prog: plctl {name}\n   :nested: full\n```\n"


def write(folder: Path) -> None:
    """Write every page into `folder`, which is made if need be."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "columns.md").write_text(columns(), encoding="utf-8")
    (folder / "formats.md").write_text(formats(), encoding="utf-8")
    (folder / "shells.md").write_text(shells(), encoding="utf-8")
    (folder / "cities.md").write_text(", ".join(CITIES) + ".\n", encoding="utf-8")
    (folder / "spec.md").write_text(spec(), encoding="utf-8")
    (folder / "study.md").write_text(study(), encoding="utf-8")
    (folder / "counters.md").write_text(counters(), encoding="utf-8")
    (folder / "commands.md").write_text(commands(), encoding="utf-8")
    (folder / "performance.md").write_text(performance_page.page(performance_page.published()), encoding="utf-8")
    for name, text in run_folder.pages().items():
        (folder / name).write_text(text, encoding="utf-8")


def columns() -> str:
    """A table of the columns that a scenario may have."""
    rows = (
        (f"`{column.name}`", "yes" if column.required else "no", "yes" if column.file.directed else "no",
         column.file.legal)
        for column in COLUMNS
    )  # fmt: skip
    return _table(("column", "needed", "per direction", "legal"), rows)


def formats() -> str:
    """A table of the formats that scenarios are read from, and one of what may be said of each."""
    readers = {name: installed_reader(name) for name in reader_names()}
    known = _table(("format", "what it is"), ((f"`{name}`", reader.title) for name, reader in readers.items()))
    own = {name: [each for each in reader.options if each not in ANY_FORMAT] for name, reader in readers.items()}
    options = {(option.name, option.doc): [] for of_reader in own.values() for option in of_reader}
    for name, of_reader in own.items():
        for option in of_reader:
            options[option.name, option.doc].append(f"`{name}`")
    everywhere = [(f"`{option.name}`", "any", option.doc) for option in ANY_FORMAT]
    rows = [(f"`{name}`", ", ".join(names), doc) for (name, doc), names in sorted(options.items())]
    return f"{known}\n{_table(('option', 'of', 'meaning'), [*everywhere, *rows])}"


def shells() -> str:
    """A table of the shells that `plctl scenario make leo` knows by name."""
    rows = (
        (f"`{shell.name}`", f"{shell.planes} × {shell.per_plane}{', a star' if shell.star else ''}",
         f"{shell.inclination:g}°", f"{shell.altitude_km:g} km", f"{shell.min_elevation:g}°", shell.source)
        for shell in SHELLS.values()
    )  # fmt: skip
    return _table(("shell", "planes × satellites", "inclination", "altitude", "least elevation", "source"), rows)


def spec() -> str:
    """A section for each mapping of a run spec, with its keys."""
    return "\n\n".join(_section(".".join(path) or "the spec itself", model) for path, model in MODELS.items())


def study() -> str:
    """A section for each mapping of a study, with its keys."""
    return "\n\n".join(starmap(_section, STUDY_MODELS.items()))


def counters() -> str:
    """A table of what a direction of a link counts."""
    rows = (
        (f"`{each.name}`", each.unit, each.group, f"`{each.verdict}`" if each.logged is not None else "", each.doc)
        for each in COUNTERS.values()
    )
    return _table(("counter", "unit", "group", "verdict in a packet log", "meaning"), rows)


def commands() -> str:
    """Every command with its options, from click itself."""
    found = sorted(entry_points(group="plctl.commands"), key=lambda point: point.name)
    return "\n".join(_COMMAND.format(place=point.value, name=point.name) for point in found)


def _section(name: str, model: type[BaseModel]) -> str:
    meanings = field_docs.meanings(model)
    rows = (
        (f"`{field.alias or key}`", _default(field.default, field.is_required()), meanings[key])
        for key, field in model.model_fields.items()
    )
    return f"## {name}\n\n{model.__doc__}\n\n" + _table(("key", "default", "meaning"), rows)


def _default(value: Any, required: bool) -> str:
    if required:
        return "needed"
    if value in (None, PydanticUndefined, "", (), 0, False) or isinstance(value, BaseModel):
        return ""
    if isinstance(value, Capacity):
        return f"`{value.amount / 10**6}{value.unit}`"
    if isinstance(value, int) and value >= NS_PER_MS:  # the only numbers as large are durations
        return f"`{format_duration(value).replace(' ', '')}`"
    return f"`{value[0] if isinstance(value, tuple) else value}`"
