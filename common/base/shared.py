"""The mark of what many places of a document hold, and the document has only once."""

from __future__ import annotations


class Shared:
    """What a message or a file has once, each place that holds it a reference (`References` in the wire's types)."""
