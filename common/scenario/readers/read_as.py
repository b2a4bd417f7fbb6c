"""How a command says that files are to be read; without the readers, for commands that only may have to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class ReadAs:
    """How files are to be read."""

    reader: str = ""  #: the name of their format; empty: it is recognised
    options: Mapping[str, str] = field(default_factory=dict)  #: of that format or in `opening.FILL`, by name


AS_IT_IS = ReadAs()
