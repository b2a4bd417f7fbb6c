"""Reads the aliases of an OpenSSH config; how each is reached is left to the ssh library, which reads the same file."""

from __future__ import annotations

import re

from plctl.controller.spec.yaml_marks import Place
from plctl.deploy.inventory.host import Draft, Given

_HOST = re.compile(r"\s*host(?:\s*=\s*|\s+)(.*)", re.IGNORECASE)
_PATTERN = set("*?!")


def aliases(text: str) -> list[Draft]:
    """A draft for each name after `Host` that is no pattern, in the order of `text`; each name once."""
    drafts: dict[str, Draft] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if match := _HOST.fullmatch(line):
            for word in re.finditer(r'[^\s"]+', match[1]):
                if word[0].startswith("#"):
                    break
                if not _PATTERN & set(word[0]):
                    place = Place(number, match.start(1) + word.start() + 1)
                    drafts.setdefault(word[0], Draft(Given(word[0], place), {}))
    return list(drafts.values())
