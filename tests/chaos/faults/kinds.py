"""All kinds of faults by name."""

from __future__ import annotations

from chaos.faults import clocks, deletions, journal, limits, network, parts, storage
from chaos.faults.fault import Fault

_MODULES = (parts, network, storage, limits, clocks, deletions, journal)
KINDS: dict[str, type[Fault]] = {kind.name: kind for module in _MODULES for kind in module.FAULTS}
