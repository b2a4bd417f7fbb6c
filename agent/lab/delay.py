"""The one-way delay between a host and the switch: what a user writes, and what the forwarder is handed."""

from __future__ import annotations

import random
import re
from dataclasses import dataclass

from plctl.common.base.errors import UserError
from plctl.common.base.units import NS_PER_MS, RATE_UNLIMITED, format_duration, parse_duration
from plctl.common.scenario.schedule import Row, Schedule

#: A delay that varies is drawn anew after each `STEP_NS`, and the draws begin again after `ROWS` of them.
STEP_NS = 10 * NS_PER_MS
ROWS = 1000
_PLUS_MINUS = re.compile(r"±|\+-|\+/-")


@dataclass(frozen=True, slots=True)
class Delay:
    """`ns` nanoseconds, or, with a `spread_ns`, anything from `ns` − `spread_ns` to `ns` + `spread_ns`, evenly."""

    ns: int = 0
    spread_ns: int = 0

    def __bool__(self) -> bool:
        return self.ns > 0

    def __str__(self) -> str:
        spread = f"±{format_duration(self.spread_ns)}" if self.spread_ns else ""
        return format_duration(self.ns) + spread

    def schedule(self, seed: str) -> Schedule:
        """As one direction of a link of unlimited rate; equal seeds give equal draws.

        Packets keep their order, so one that was sent as the delay fell may wait for those before it.
        """
        if not self.spread_ns:
            return Schedule((Row(0, 0, self.ns, RATE_UNLIMITED),))
        chance = random.Random(seed)
        low, high = self.ns - self.spread_ns, self.ns + self.spread_ns
        rows = (Row(i * STEP_NS, 0, chance.randint(low, high), RATE_UNLIMITED) for i in range(ROWS))
        return Schedule(tuple(rows)).repeated()


def parse_delay(text: str) -> Delay:
    """The delay in e.g. ``5ms`` or ``5ms±2ms`` (or ``5ms+-2ms``).

    :raises UserError: it is none, or the spread exceeds the delay.
    """
    middle, sign, spread = _split(text)
    delay = Delay(parse_duration(middle), parse_duration(spread) if sign else 0)
    if delay.spread_ns > delay.ns:
        raise UserError(f"{text!r} would at times be negative: let what follows ± not exceed what precedes it")
    return delay


def _split(text: str) -> tuple[str, str, str]:
    match = _PLUS_MINUS.search(text)
    return (text[: match.start()], match[0], text[match.end() :]) if match else (text, "", "")
