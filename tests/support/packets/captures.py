"""Commands that read captures as their users do."""

from __future__ import annotations

from collections.abc import Sequence

#: What most tests look at of each packet.
FIELDS = ("frame.time_epoch", "frame.interface_name", "frame.len", "frame.packet_id", "frame.comment")


def tshark(*arguments: str, fields: Sequence[str] = FIELDS) -> list[str]:
    """A command that prints the packets' fields, with tabs between."""
    named = [word for name in fields for word in ("-e", name)]
    return ["tshark", "-n", "-l", *arguments, "-T", "fields", "-E", "separator=\t", *named]
