"""What `plctl run` may ask of a controller beside the run; apart from what carries it out, which is slow to import."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from plctl.common.protocol.requests import PlacementPolicy


@dataclass(frozen=True, slots=True)
class FollowOptions:
    """What to do with a request, beside running it."""

    policy: PlacementPolicy = "spread"
    force: bool = False  #: onto hosts that it asks too much of, too
    wait: bool = True  #: until hosts have room for it
    detach: bool = False
    fetch_to: Path | None = None  #: where the results are copied in the end
