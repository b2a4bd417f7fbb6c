"""Keeps two habits of the Python interpreter from making agents and clients wait."""

from __future__ import annotations

import gc
import sys

#: A thread that works leaves the interpreter to the event loop after so long; by default ten times that, whenever the
#: loop has written to a file or a socket.
_SWITCH_S = 0.0005


def share_often() -> None:
    """Let threads beside the event loop take the interpreter from it for moments only."""
    sys.setswitchinterval(_SWITCH_S)


def set_aside() -> None:
    """What is there now will stay: the garbage collector need not look at it.

    A run of ten thousand links is a million objects. To look at all of them takes a third of a second in which nobody
    is answered, again and again, and finds nothing: what a run has goes when nobody refers to it any more.
    """
    gc.freeze()


def look_again() -> None:
    """Much may have gone: find what only refers to itself, once, and set the rest aside."""
    gc.unfreeze()
    gc.collect()
    gc.freeze()
