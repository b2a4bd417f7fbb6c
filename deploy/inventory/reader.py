"""Reads the list of hosts to deploy to: hosts.yaml, an Ansible inventory (INI or YAML), or an OpenSSH config."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from plctl.common.base.errors import UserError
from plctl.common.base.problems import Problems, quote
from plctl.common.base.text_file import read_text
from plctl.controller.spec.yaml_marks import Marked, load_marked
from plctl.deploy.inventory.ansible import drafts_of_yaml, looks_like_ansible
from plctl.deploy.inventory.host import Draft, Host, settle
from plctl.deploy.inventory.hosts_yaml import drafts_of_hosts
from plctl.deploy.inventory.ini import drafts_of_ini
from plctl.deploy.inventory.ssh_config import aliases

#: The longest inventory that is read, in bytes.
MAX_INVENTORY = 2**20

_SSH_LINE = re.compile(r"^\s*(host|match|include)[ \t]+(?!.*ansible_)\S", re.IGNORECASE | re.MULTILINE)
_INI_SECTION = re.compile(r"^\s*\[[^\]]+\]\s*(#.*|;.*)?$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Inventory:
    """The hosts of a file, in its order."""

    file: Path
    hosts: tuple[Host, ...]
    ssh_config: bool = False  #: the file is an OpenSSH config, which says how its hosts are reached

    def select(self, pattern: str) -> tuple[Host, ...]:
        """The hosts that `pattern` names: words with commas between them, each a glob over names, a group or a
        label as ``rack=r1``; a ``!`` before a word takes its hosts out.

        :raises UserError: a word names no host, or nothing is left.
        """
        chosen: set[str] = set()
        words = [word.strip() for word in pattern.split(",") if word.strip()]
        if all(word.startswith("!") for word in words):
            chosen = {host.name for host in self.hosts}
        for word in words:
            named = {host.name for host in self.hosts if _matches(host, word.removeprefix("!"))}
            if not named:
                raise UserError(f"no host, group or label of {self.file} matches {quote(word)}")
            chosen = chosen - named if word.startswith("!") else chosen | named
        if not chosen:
            raise UserError(f"{quote(pattern)} leaves no host of {self.file}")
        return tuple(host for host in self.hosts if host.name in chosen)


def load_inventory(path: Path) -> Inventory:
    """The inventory in the file at `path`, whose format is known by its content.

    :raises InputError: everything that is wrong with the file, by line.
    """
    problems = Problems(str(path))
    text = read_text(path, "an inventory", limit=MAX_INVENTORY)
    if _is_ssh_config(text):
        drafts: Sequence[Draft] = aliases(text)
    elif path.suffix.lower() not in (".yaml", ".yml") and _is_ini(text):
        drafts = drafts_of_ini(text, problems)
    else:
        marked = load_marked(text, problems)
        problems.check()
        drafts = _drafts_of_yaml(marked, problems)
    hosts = _settle_all(drafts, problems)
    if not hosts and not problems.found:
        problems.add(0, 0, "names no host")
    problems.check()
    return Inventory(path, tuple(hosts), ssh_config=_is_ssh_config(text))


def _drafts_of_yaml(marked: Marked, problems: Problems) -> list[Draft]:
    value: Any = marked.value
    if not isinstance(value, dict):
        problems.add(1, 1, "is no inventory: hosts.yaml is a mapping with the key hosts, e.g. hosts: [node1, node2]")
        return []
    return drafts_of_yaml(marked, problems) if looks_like_ansible(value) else drafts_of_hosts(marked, problems)


def _settle_all(drafts: Sequence[Draft], problems: Problems) -> list[Host]:
    hosts: dict[str, Host] = {}
    for draft in drafts:
        for host in settle(draft, problems):
            if host.name in hosts:
                place = draft.name.place
                problems.add(place.line, place.column, f"the host {quote(host.name)} is given twice")
            hosts[host.name] = host
    return list(hosts.values())


def _is_ssh_config(text: str) -> bool:
    return bool(_SSH_LINE.search(text)) and not _INI_SECTION.search(text)


def _is_ini(text: str) -> bool:
    """Whether `text` is INI rather than YAML: a section's head, or not one line that YAML could take for a key."""
    lines = [line.split("#")[0].strip() for line in text.splitlines()]
    return bool(_INI_SECTION.search(text)) or not any(line.endswith(":") or ": " in line for line in lines)


def _matches(host: Host, word: str) -> bool:
    label, equals, value = word.partition("=")
    if equals:
        return host.labels.get(label) == value
    return word in (*host.groups, "all") or fnmatch.fnmatchcase(host.name, word)
