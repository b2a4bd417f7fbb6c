"""What each check of a run says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

#: `holds`: it was checked and is true. `broken`: it was checked and is not. `unknown`: it could not be checked.
ClaimState = Literal["holds", "broken", "unknown"]


@dataclass(frozen=True, slots=True)
class ClaimCheck:
    """One thing that the folder claims."""

    name: str  #: what was checked, in a word or two
    state: ClaimState
    says: str  #: with figures: what was compared, or what does not fit


def found(name: str, wrong: list[str], says: str, most: int = 5) -> ClaimCheck:
    """A check that holds and `says` so, or is broken by what is `wrong`."""
    if not wrong:
        return ClaimCheck(name, "holds", says)
    more = f"; and {len(wrong) - most} more" if len(wrong) > most else ""
    return ClaimCheck(name, "broken", "; ".join(wrong[:most]) + more)
