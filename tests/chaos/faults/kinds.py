"""All kinds of faults by name."""

from __future__ import annotations

from chaos.faults import network, parts, storage
from chaos.faults.fault import Fault

KINDS: dict[str, type[Fault]] = {kind.name: kind for room in (parts, network, storage) for kind in room.FAULTS}
