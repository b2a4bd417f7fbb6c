"""What may name a run, a link, a workload, a host or a person: names become parts of paths and of namespaces."""

from __future__ import annotations

import re

#: As many as a host's name may have in the DNS, since agents are mostly called as their hosts are.
NAME_MAX = 63

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")


def is_name(text: str, most: int = NAME_MAX) -> bool:
    """Whether `text` is a name of at most `most` characters."""
    return len(text) <= most and _NAME.fullmatch(text) is not None


def is_file_name(text: str) -> bool:
    """Whether `text` is one component of a path, which leads no further than into the folder that it is put behind."""
    return text not in ("", ".", "..") and "/" not in text and "\0" not in text


def name_rule(most: int = NAME_MAX) -> str:
    """What `is_name` asks for, to follow "write"."""
    return f"1 to {most} letters, digits, _ . or -, a letter or digit first"
