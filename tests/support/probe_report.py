"""What `plctl probe` prints, without a probe."""

from __future__ import annotations

import json
from typing import Any

TOTAL = {
    "sent": 100, "received": 98, "lost": 2, "duplicates": 1, "reordered": 3, "frame_bps": 2_000_000,
    "delay_ns": {"min": 41_000_000, "p50": 41_100_000, "p90": 41_200_000, "p99": 42_000_000, "max": 43_000_000},
}  # fmt: skip


def client(**changes: Any) -> str:
    """What a probe client prints."""
    return json.dumps({"role": "client", "format": 1, "up": {"total": TOTAL}, "down": None, **changes})
