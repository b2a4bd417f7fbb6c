"""The queueing disciplines in pure Python, each written from its source, by name."""

from __future__ import annotations

from model.disciplines.codel import CoDel
from model.disciplines.discipline import ADMITTED, AQM, QUEUE_FULL, Discipline, Surroundings, Waiting
from model.disciplines.drop_head import DropHead
from model.disciplines.drop_tail import DropTail

#: What a half's argument `queue` may name.
DISCIPLINES: dict[str, type[Discipline]] = {"droptail": DropTail, "drophead": DropHead, "codel": CoDel}

__all__ = ["ADMITTED", "AQM", "DISCIPLINES", "QUEUE_FULL", "Discipline", "Surroundings", "Waiting"]
