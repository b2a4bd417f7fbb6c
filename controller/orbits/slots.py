"""When paths are chosen anew: at every step, or on a grid of slots as Starlink does.

Starlink assigns satellites for 15 s at a time, at 12, 27, 42 and 57 s after each full minute (Tanveer et al., "Making
Sense of Constellations", CoNEXT '23 companion; Mohan et al., "A Multifaceted Look at Starlink Performance", WWW '24).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from plctl.common.base.errors import UserError
from plctl.common.base.problems import quote
from plctl.common.base.units import NS_PER_S, parse_duration

_MICROSECOND = timedelta(microseconds=1)
_WORDS = re.compile(r"([^@]+)(?:@([^@]+))?")


@dataclass(frozen=True, slots=True)
class SlotGrid:
    """Slots of `length_ns`, one of which begins `offset_ns` after midnight UTC."""

    length_ns: int
    offset_ns: int = 0

    def slots(self, start: datetime, duration_ns: int) -> Iterator[tuple[int, int]]:
        """Begin and end, since `start`, of each slot within a scenario; the first begins with the scenario."""
        midnight = start.replace(hour=0, minute=0, second=0, microsecond=0)
        since_ns = (start - midnight) // _MICROSECOND * 1000
        begin_ns, end_ns = 0, self.length_ns - (since_ns - self.offset_ns) % self.length_ns
        while begin_ns < duration_ns:
            yield begin_ns, end_ns
            begin_ns, end_ns = end_ns, end_ns + self.length_ns


def parse_slot_grid(text: str) -> SlotGrid:
    """The grid in e.g. 15s@12s: every 15 s, one of them 12 s after the full minute.

    :raises UserError: it is none.
    """
    match = _WORDS.fullmatch(text)
    if not match:
        raise UserError(f"{quote(text)} is no grid of times; write a duration and where it begins, e.g. 15s@12s")
    grid = SlotGrid(parse_duration(match[1]), parse_duration(match[2]) if match[2] else 0)
    if grid.length_ns < NS_PER_S // 10:
        raise UserError(f"{quote(text)}: slots last 100 ms or longer")
    return grid
