"""The queueing disciplines in pure Python, each written from its source, by name."""

from __future__ import annotations

from model.disciplines.discipline import ADMITTED, QUEUE_FULL, Discipline, Waiting
from model.disciplines.drop_head import DropHead
from model.disciplines.drop_tail import DropTail

#: What a half's argument `queue` may name.
DISCIPLINES: dict[str, type[Discipline]] = {"droptail": DropTail, "drophead": DropHead}

__all__ = ["ADMITTED", "DISCIPLINES", "QUEUE_FULL", "Discipline", "Waiting"]
