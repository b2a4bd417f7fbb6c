"""Who may speak on a connection; apart from the messages, because keys have roles, too, and messages are many."""

from __future__ import annotations

from typing import Literal

Role = Literal["controller", "agent", "operator", "viewer"]
