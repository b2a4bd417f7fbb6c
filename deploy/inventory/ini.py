"""Reads Ansible's INI inventories: hosts with variables on a line, and sections for groups, variables and children."""

from __future__ import annotations

import re
import shlex

from plctl.common.base.problems import Problems, quote
from plctl.controller.spec.yaml_marks import Place
from plctl.deploy.inventory.ansible import Group, add_host, drafts_of_groups
from plctl.deploy.inventory.host import Draft, Given

_SECTION = re.compile(r"\[([^\]:]+)(?::(\w+))?\]")
_KINDS = (None, "vars", "children")


def drafts_of_ini(text: str, problems: Problems) -> list[Draft]:
    """What `text` says of each host; mistakes go to `problems`."""
    groups: dict[str, Group] = {}
    name, kind = "ungrouped", None
    for number, raw in enumerate(text.splitlines(), 1):
        words = _split(raw, number, problems)
        place = Place(number, len(raw) - len(raw.lstrip()) + 1)
        if not words:
            continue
        if raw.lstrip().startswith("["):
            name, kind = _section(raw, place, problems)
            groups.setdefault(name, Group())
            continue
        group = groups.setdefault(name, Group())
        if kind == "children":
            group.children[words[0]] = place
            groups.setdefault(words[0], Group())
        elif kind == "vars":
            group.variables.update(_variables([_joined(raw)], place, problems))
        else:
            add_host(group, Given(words[0], place), _variables(words[1:], place, problems), problems)
    return drafts_of_groups(groups, problems)


def _split(raw: str, number: int, problems: Problems) -> list[str]:
    """The words of a line, without its comment."""
    if raw.lstrip().startswith((";", "#")):
        return []
    try:
        return shlex.split(raw, comments=True)
    except ValueError as error:
        problems.add(number, 1, f"cannot be read: {str(error).lower()}")
        return []


def _section(raw: str, place: Place, problems: Problems) -> tuple[str, str | None]:
    match = _SECTION.match(raw.strip())
    if match and match[2] in _KINDS:
        return match[1].strip(), match[2]
    legal = "legal are [group], [group:vars] and [group:children]"
    problems.add(place.line, place.column, f"{quote(raw.strip())} is no section; {legal}")
    return "ungrouped", None


def _joined(raw: str) -> str:
    """A line ``name = value`` without the blanks around the sign and the quotes around the value."""
    name, _, value = raw.partition("=")
    value = re.split(r"\s#", value)[0].strip()
    quoted = len(value) > 1 and value[0] == value[-1] and value[0] in "'\""
    return f"{name.strip()}={value[1:-1] if quoted else value}"


def _variables(words: list[str], place: Place, problems: Problems) -> dict[str, Given]:
    variables = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals or not name:
            problems.add(place.line, place.column, f"{quote(word)} is no variable; write name=value")
        variables[name] = Given(value, place)
    return variables
