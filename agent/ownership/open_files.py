"""How many descriptors a process may have: all that it is allowed here, and in programs of the user's what they had.

A program may use select(2), which knows 1024 descriptors, or close every one that it could have: so it gets the limit
that plctl itself was started with.
"""

from __future__ import annotations

import resource

_inherited, _ = resource.getrlimit(resource.RLIMIT_NOFILE)


def raise_limit() -> None:
    """Let this process have as many as it may."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def inherited_limit() -> int:
    """What this process was started with, for its children."""
    return _inherited
