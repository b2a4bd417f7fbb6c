"""The queueing disciplines in pure Python, each written from its source, by name."""

from __future__ import annotations

from plctl.common.reference.disciplines.codel import CoDel
from plctl.common.reference.disciplines.discipline import ADMITTED, AQM, QUEUE_FULL, Discipline, Surroundings, Waiting
from plctl.common.reference.disciplines.drop_head import DropHead
from plctl.common.reference.disciplines.drop_tail import DropTail
from plctl.common.reference.disciplines.dualpi2 import DualPI2
from plctl.common.reference.disciplines.fq_codel import FQCoDel
from plctl.common.reference.disciplines.pie import PIE
from plctl.common.reference.disciplines.red import RED

#: What a half's argument `queue` may name.
DISCIPLINES: dict[str, type[Discipline]] = {
    "droptail": DropTail,
    "drophead": DropHead,
    "red": RED,
    "codel": CoDel,
    "fq_codel": FQCoDel,
    "pie": PIE,
    "dualpi2": DualPI2,
}

__all__ = ["ADMITTED", "AQM", "DISCIPLINES", "QUEUE_FULL", "Discipline", "Surroundings", "Waiting"]
