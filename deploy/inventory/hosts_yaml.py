"""Reads plctl's own inventory, hosts.yaml: a list of hosts, and what they have in common under `defaults`."""

from __future__ import annotations

from typing import Any

from plctl.common.base.problems import Problems, quote, suggest
from plctl.controller.spec.yaml_marks import Marked, Path
from plctl.deploy.inventory.host import FIELDS, Draft, Given

_KEYS = ("hosts", "defaults")


def drafts_of_hosts(marked: Marked, problems: Problems) -> list[Draft]:
    """What the document `marked`, a mapping, says of each host; mistakes go to `problems`."""
    document: dict[str, Any] = marked.value
    for key in document:
        if key not in _KEYS:
            _complain(marked, (key,), f"unknown key {quote(key)}; {suggest(key, _KEYS)}", problems)
    if "hosts" not in document:
        problems.add(1, 1, "the key hosts is missing; write e.g. hosts: [node1, node2]")
    defaults = _values(document.get("defaults") or {}, ("defaults",), marked, problems)
    hosts = document.get("hosts") or []
    if not isinstance(hosts, list):
        _complain(marked, ("hosts",), "hosts must be a list, e.g. [node1, node2]", problems)
        return []
    drafts = (_draft(item, ("hosts", index), defaults, marked, problems) for index, item in enumerate(hosts))
    return [draft for draft in drafts if draft]


def _draft(item: Any, at: Path, defaults: dict[str, Given], marked: Marked, problems: Problems) -> Draft | None:
    if isinstance(item, str):
        return Draft(Given(item, marked.place(at)), defaults)
    own = _values(item, at, marked, problems)
    name = own.pop("name", None)
    if name is None and isinstance(item, dict):
        _complain(marked, at, "the host has no name", problems)
    return Draft(name, {**defaults, **own}) if name else None


def _values(item: Any, at: Path, marked: Marked, problems: Problems) -> dict[str, Given]:
    if not isinstance(item, dict):
        _complain(marked, at, "must be a name or a mapping, e.g. {name: node1, user: ada}", problems)
        return {}
    for key in item:
        if key not in ("name", *FIELDS):
            _complain(marked, (*at, key), f"unknown key {quote(key)}; {suggest(key, ('name', *FIELDS))}", problems)
    return {key: Given(value, marked.place((*at, key))) for key, value in item.items() if key in ("name", *FIELDS)}


def _complain(marked: Marked, at: Path, text: str, problems: Problems) -> None:
    place = marked.key_place(at)
    problems.add(place.line, place.column, text)
