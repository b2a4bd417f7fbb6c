"""The queueing disciplines in pure Python, each written from its source, by name."""

from __future__ import annotations

from model.disciplines.codel import CoDel
from model.disciplines.discipline import ADMITTED, AQM, QUEUE_FULL, Discipline, Surroundings, Waiting
from model.disciplines.drop_head import DropHead
from model.disciplines.drop_tail import DropTail
from model.disciplines.dualpi2 import DualPI2
from model.disciplines.fq_codel import FQCoDel
from model.disciplines.pie import PIE
from model.disciplines.red import RED

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
