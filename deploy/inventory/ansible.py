"""Reads Ansible's inventories: which of its variables mean something here, how groups hand them down, and its YAML."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from plctl.common.base.problems import Problems, quote
from plctl.controller.spec.yaml_marks import Marked, Path, Place
from plctl.deploy.inventory.host import Draft, Given
from plctl.deploy.inventory.ranges import expand

#: Ansible's variables by the field of a host that they fill; all others are for playbooks and passed over.
VARIABLES = {
    "ansible_host": "address",
    "ansible_ssh_host": "address",
    "ansible_port": "port",
    "ansible_ssh_port": "port",
    "ansible_user": "user",
    "ansible_ssh_user": "user",
    "ansible_ssh_private_key_file": "key",
    "ansible_private_key_file": "key",
    "ansible_python_interpreter": "python",
    "ansible_become": "sudo",
    "plctl_jump": "jump",
}
_ARGUMENTS = ("ansible_ssh_common_args", "ansible_ssh_extra_args")
_JUMP = re.compile(r"(?:-J\s*|-o\s*ProxyJump[= ])['\"]?([^\s'\"]+)")
_PARTS = ("hosts", "vars", "children")
_EVERYBODY = ("all", "ungrouped")


@dataclass(slots=True)
class Group:
    """A group of an Ansible inventory."""

    variables: dict[str, Given] = field(default_factory=dict)
    hosts: dict[str, dict[str, Given]] = field(default_factory=dict)  #: variables by name
    places: dict[str, Given] = field(default_factory=dict)  #: of the hosts' names
    children: dict[str, Place] = field(default_factory=dict)


def looks_like_ansible(document: Mapping[str, Any]) -> bool:
    """Whether a mapping from YAML is a set of Ansible's groups: each is nothing or has hosts, vars or children."""
    return "defaults" not in document and all(
        value is None or (isinstance(value, dict) and set(value) <= set(_PARTS)) for value in document.values()
    )


def drafts_of_yaml(marked: Marked, problems: Problems) -> list[Draft]:
    """What the document `marked` says of each host; mistakes go to `problems`."""
    groups: dict[str, Group] = {}
    for name, value in marked.value.items():
        _read_group(value, (name,), groups, marked, problems)
    return drafts_of_groups(groups, problems)


def drafts_of_groups(groups: dict[str, Group], problems: Problems) -> list[Draft]:
    """Each host once, with its groups and with the variables that they hand down: the nearer group's count."""
    depths = _depths(groups, problems)
    order = sorted(groups, key=lambda name: (depths.get(name, 0), name))
    found: dict[str, tuple[Given, dict[str, Given], list[str]]] = {}
    for name in order:
        for host, written in _members(name, groups).items():
            _, values, names = found.setdefault(host, (written, {}, []))
            values.update(groups[name].variables)
            names.append(name)
    for name in order:  # a host's own variables come last: they count more than any group's
        for host, variables in groups[name].hosts.items():
            found[host][1].update(variables)
    return [
        Draft(Given(host, written.place), fields_of(values), tuple(n for n in names if n not in _EVERYBODY))
        for host, (written, values, names) in found.items()
    ]


def fields_of(variables: Mapping[str, Given]) -> dict[str, Given]:
    """The fields of a host that Ansible's `variables` fill."""
    fields = {}
    for name, given in variables.items():
        if key := VARIABLES.get(name):
            fields[key] = given
        elif name in _ARGUMENTS and isinstance(given.value, str) and (match := _JUMP.search(given.value)):
            fields["jump"] = Given(match[1], given.place)
    if (python := fields.get("python")) and str(python.value).startswith("auto"):
        del fields["python"]
    return fields


def add_host(group: Group, name: Given, variables: dict[str, Given], problems: Problems) -> None:
    """Add what `name`, perhaps a range, stands for."""
    try:
        names = expand(name.value)
    except ValueError as error:
        problems.add(name.place.line, name.place.column, str(error))
        return
    for host in names:
        group.hosts.setdefault(host, {}).update(variables)
        group.places.setdefault(host, name)


def _read_group(value: Any, at: Path, groups: dict[str, Group], marked: Marked, problems: Problems) -> None:
    """Read the group at `at`, and those within it, into `groups`."""
    group = groups.setdefault(str(at[-1]), Group())
    parts = {part: _mapping(value, part, at, marked, problems) for part in _PARTS}
    for key, given in parts["vars"].items():
        group.variables[key] = Given(given, marked.place((*at, "vars", key)))
    for host, variables in parts["hosts"].items():
        where = (*at, "hosts", host)
        values = {key: Given(item, marked.place((*where, key))) for key, item in (variables or {}).items()}
        add_host(group, Given(host, marked.key_place(where)), values, problems)
    for child, inner in parts["children"].items():
        where = (*at, "children", child)
        group.children[child] = marked.key_place(where)
        _read_group(inner, where, groups, marked, problems)


def _mapping(value: Any, part: str, at: Path, marked: Marked, problems: Problems) -> dict[str, Any]:
    """The mapping `part` of a group's `value`; of hosts each must be nothing or a mapping itself."""
    found = {} if value is None else value.get(part) or {} if isinstance(value, dict) else value
    items = found.values() if isinstance(found, dict) and part != "vars" else ()
    if isinstance(found, dict) and all(isinstance(item, dict | None) for item in items):
        return found
    place = marked.place((*at, part))
    problems.add(place.line, place.column, f"{part} of the group {quote(str(at[-1]))} must be a mapping of mappings")
    return {}


def _depths(groups: Mapping[str, Group], problems: Problems) -> dict[str, int]:
    """How deep each group lies below `all`; a group that is its own descendant goes to `problems`."""
    depths = {name: 0 if name == "all" else 1 for name in groups}
    for _ in range(len(groups)):
        changed = False
        for name, group in groups.items():
            for child in group.children:
                if child in depths and depths[child] <= depths[name]:
                    depths[child], changed = depths[name] + 1, True
        if not changed:
            return depths
    for name, group in groups.items():
        for child, place in group.children.items():
            if depths.get(child, 0) > len(groups):
                problems.add(place.line, place.column, f"the groups {quote(name)} and {quote(child)} hold each other")
                return {}
    return depths


def _members(name: str, groups: Mapping[str, Group]) -> dict[str, Given]:
    """The hosts of a group and of all groups below it; `all` has everybody."""
    if name == "all":
        return {host: given for group in groups.values() for host, given in group.places.items()}
    members, waiting, seen = {}, [name], set()
    while waiting:
        current = waiting.pop(0)
        if current not in seen and current in groups:
            seen.add(current)
            members.update(groups[current].places)
            waiting += groups[current].children
    return members
