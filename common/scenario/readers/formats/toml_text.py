"""Reads TOML as users write it: a mistake is located, and what would take minutes to parse is refused."""

from __future__ import annotations

import re
import tomllib
from typing import Any

from plctl.common.base.units import format_size
from plctl.common.scenario.readers.formats.json_text import exact
from plctl.common.scenario.readers.trace_file import TraceFile

#: The longest TOML that is read, in characters: Python's parser is slow.
LONGEST_TOML = 8 * 2**20
#: What some errors of the parser end in.
_AT = re.compile(r" \(at (?:line ([0-9]+), column ([0-9]+)|end of document)\)$")
#: A key of more than 64 parts, for which the parser takes the square of their number.
_LONG_KEY = re.compile(r"(?m)(?:^|[\[{,])\s*+(?:[^\s.=\[\]{},]++\s*+\.\s*+){64}")
_LONG_NUMBER = re.compile(r"[0-9_]{4301}")


def load_toml(file: TraceFile) -> Any:
    """What `file` says; numbers with a point are `Decimal`.

    :raises InputError: it is not TOML, or more of it than is read.
    """
    text = file.text
    if len(text) > LONGEST_TOML:
        raise file.refusal(f"is too long: at most {format_size(LONGEST_TOML)} are read as TOML; JSON may be longer")
    for pattern, what in ((_LONG_KEY, "a key of more than 64 parts"), (_LONG_NUMBER, "a number that is too long")):
        if found := pattern.search(text):
            at = found.start()
            raise file.refusal(f"has {what}", text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at))
    try:
        return tomllib.loads(text, parse_float=exact)
    except RecursionError:
        raise file.refusal("is nested too deeply; what is read has some ten levels") from None
    except ValueError as error:  # TOMLDecodeError is one; a date that is none is another
        place = _AT.search(str(error))
        line, column = (int(place[1]), int(place[2])) if place and place[1] else (0, 0)
        raise file.refusal(f"is not TOML: {_AT.sub('', str(error))}", line, column) from None
