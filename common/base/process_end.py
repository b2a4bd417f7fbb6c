"""How a process ended, in words: by which signal or status, and which line of what it wrote tells why."""

from __future__ import annotations

import re
import signal

#: What a program says of its own failure; of several such lines the first, as what follows is often its consequence.
_STRONG = re.compile(r"\b(errors?|fatal|panic(ked)?|exception)\b", re.IGNORECASE)
_WEAK = re.compile(
    r"\b(cannot|can't|could not|couldn't|unable|fail(ed|s|ure)?|refused|denied|not found|not permitted|no such|"
    r"no route|unreachable|timed out|invalid|unknown|unrecogni[sz]ed|aborted|killed|usage|missing|exceeded)\b",
    re.IGNORECASE,
)
_WARNING = re.compile(r"\b(warning|note|debug|info)\b", re.IGNORECASE)
_HINT = re.compile(r"^\s*(usage:|try\b|see\b|for more\b)", re.IGNORECASE)
_TRACEBACK = "Traceback (most recent call last):"


def signal_name(number: int) -> str:
    """``SIGTERM`` for 15; ``signal 99`` where there is none of that number."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def how_it_ended(status: int) -> str:
    """`status`, an exit status or minus the signal that ended it, as the end of "it …"."""
    return f"was killed by {signal_name(-status)}" if status < 0 else f"exited with status {status}"


def telling_line(text: str) -> str:
    """The line of `text`, the end of what a failed program wrote to standard error, that says most of why; or none.

    Of a Python traceback that is its end; else the first line that speaks of an error, and else the last one.
    """
    lines = [line.strip() for line in text.splitlines()]
    if _TRACEBACK in lines:
        return _of_traceback(text.splitlines())
    said = [line for line in lines if line and not _WARNING.search(line)] or [line for line in lines if line]
    for pattern in (_STRONG, _WEAK):
        if found := [line for line in said if pattern.search(line) and not _HINT.match(line)]:
            return found[0]
    return said[-1] if said else ""


def last_lines(text: str, count: int) -> str:
    """The last lines of `text` that say something, as one."""
    said = [line.strip() for line in text.splitlines() if line.strip()]
    return " / ".join(said[-count:]) or "it said nothing"


def _of_traceback(lines: list[str]) -> str:
    """The exception at the end of the last traceback in `lines`."""
    begin = max(number for number, line in enumerate(lines) if line.strip() == _TRACEBACK)
    below = [line.rstrip() for line in lines[begin + 1 :]]
    return next((line.strip() for line in below if line and not line[0].isspace()), "")
