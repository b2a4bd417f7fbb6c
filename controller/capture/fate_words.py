"""Says in a sentence what became of a frame: how long it waited where, when it was due, how late it left, or why."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from plctl.common.base.units import NS_PER_S, format_duration
from plctl.common.telemetry.counters import COUNTERS, CounterGroup
from plctl.controller.capture.departed_bytes import is_kept

Row = Mapping[str, Any]

_OTHER: Final = {"up": "the server", "down": "the client"}
_OWN_WORDS: Final = {
    "queue_full": "dropped by the queue, which was full",
    "aqm": "dropped by the queueing discipline, so that the queue stays short",
    "random_loss": "lost by the path at random",
    "lost_send": "lost by the machine, not the path: the kernel would not send it",
    "lost_memory": "lost by the machine, not the path: there was no memory for it",
    "lost_late": "lost by the machine, not the path: seen late and dropped, it might have been admitted else",
}
#: What became of a frame, by its verdict in the packet log; a verdict without words of its own says its cause.
WORDS: Final = {
    each.verdict: _OWN_WORDS.get(
        each.verdict, f"{'lost by the machine' if each.group is CounterGroup.LOST else 'dropped'}: {each.cause}"
    )
    for each in COUNTERS.values()
    if each.logged is not None
}


def fate(row: Row, direction: str, t0_ns: int, *, copied: bool = False) -> str:
    """The sentence for the row of a packet log.

    :param t0_ns: T0 on the clock of the row's times.
    :param copied: the path made a copy of it.
    """
    return f"{direction} {row['number']}: {'; '.join(_parts(row, direction, t0_ns, copied))}"


def _parts(row: Row, direction: str, t0_ns: int, copied: bool) -> Iterator[str]:
    yield f"delivered to {_OTHER[direction]}" if row["verdict"] == "admitted" else WORDS[row["verdict"]]
    if row["end_ns"] is not None:
        waited, served = row["start_ns"] - row["arrival_ns"], row["end_ns"] - row["start_ns"]
        yield f"in the queue for {format_duration(waited)}, in service for {format_duration(served)}"
    if row["due_ns"] is not None:
        way = format_duration(row["due_ns"] - row["end_ns"])
        yield f"then {way} on the way, due {_after_t0(row['due_ns'] - t0_ns)}"
    if row["sent_ns"] is not None:
        late = row["sent_ns"] - row["due_ns"] + row["moved_ns"]
        yield f"sent {format_duration(late)} late" if late >= 0 else f"sent {format_duration(-late)} early"
    if row["route"] is not None:
        yield f"route {row['route']}"
    yield from _changes(row, copied)


def _changes(row: Row, copied: bool) -> Iterator[str]:
    if row["marked"]:
        yield "the queue set CE"
    if row["bit"] is not None:
        kept = row["captured"] is not None and is_kept(row["bit"], len(row["captured"]))
        beyond = "" if kept else ", which is not among the bytes that were kept"
        yield f"the path flipped bit {row['bit']} behind the Ethernet header{beyond}"
    if row["copy"]:
        yield "a copy that the path made"
    if copied:
        yield "the path made a copy of it"
    if row["captured"] is None:
        yield "its bytes were not kept: there was no room for them"


def _after_t0(ns: int) -> str:
    seconds, rest = divmod(abs(ns), NS_PER_S)
    return f"{seconds}.{rest:09} s {'after' if ns >= 0 else 'before'} T0"
