"""Words of programs, files and other hosts, made harmless: no control character of theirs may steer a terminal."""

from __future__ import annotations

import re

#: Control characters, lone surrogates, and what ends lines or turns the direction of writing elsewhere.
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def printable(text: str, keep: str = "") -> str:
    r"""`text` with every control character written out (`\x1b`), but for those in `keep`: one harmless line."""
    if not _UNPRINTABLE.search(text):
        return text
    return _UNPRINTABLE.sub(lambda found: found[0] if found[0] in keep else ascii(found[0])[1:-1], text)
