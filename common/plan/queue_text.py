"""Reads a queue from a command line: a capacity, or a discipline with parameters as `tc` has them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from plctl.common.base.errors import UserError
from plctl.common.base.units import parse_duration, parse_size, scale
from plctl.common.plan.discipline_parameters import check_parameter, default_capacity
from plctl.common.plan.disciplines import DISCIPLINES, Kind
from plctl.common.plan.link_text import read_capacity
from plctl.common.plan.run_plan import Capacity, Queue

_FLAGS = {"on": 1, "off": 0}


def read_queue(text: str) -> Queue:
    """What `64kB`, `codel`, `drophead,64kB`, `codel,100p,ecn` or `codel limit 100 target 5ms ecn` asks for.

    Between words stand blanks or commas; a parameter has its value behind a blank or `=`. `limit` is the capacity: of
    `red` in bytes, of the others in packets.

    :raises UserError: one of its words is none of these, or a value is none or out of range.
    """
    first, *others = (each.strip() for each in text.split(","))
    name, *rest = first.split() or [""]
    if name not in DISCIPLINES:
        if not others and (not rest or _is_capacity(first)):
            return Queue(capacity=read_capacity(first))
        raise UserError(f"{name!r} is not a discipline; legal is {', '.join(DISCIPLINES)}")
    queue = Queue(name, default_capacity(name))
    words = iter([word for part in ([" ".join(rest)] if rest else []) + others for word in _words(part)])
    for word in words:
        queue = _with(queue, word, words)
    return queue


def with_ecn(queue: Queue) -> Queue:
    """`queue`, marking frames where they may be marked.

    :raises UserError: its discipline cannot, or always does.
    """
    able = [name for name, kind in DISCIPLINES.items() if any(each.name == "ecn" for each in kind.parameters)]
    if queue.discipline == "dualpi2":
        return queue
    if queue.discipline not in able:
        raise UserError(f"{queue.discipline} marks nothing; ecn is for {', '.join(able)} and dualpi2")
    return replace(queue, parameters={**queue.parameters, "ecn": 1})


def read_share(text: str) -> int:
    """Millionths of a share of 1, e.g. ``10%`` or ``0.1``.

    :raises UserError: that is none.
    """
    try:
        return scale(text.removesuffix("%").strip(), 10_000) if text.endswith("%") else scale(text, 1_000_000)
    except ValueError:
        raise UserError(f"{text!r} is not a share; write e.g. 10% or 0.1") from None


def read_gain(text: str) -> int:
    """Millionths of a Hz.

    :raises UserError: that is no number.
    """
    try:
        return scale(text, 1_000_000)
    except ValueError:
        raise UserError(f"{text!r} is not a number; write a gain in Hz, e.g. 0.125") from None


def _with(queue: Queue, word: str, following: Iterator[str]) -> Queue:
    """`queue` with what `word` says, whose value may be the next one."""
    kinds = {each.name: each.kind for each in DISCIPLINES[queue.discipline].parameters}
    name, has_value, value = word.partition("=")
    off = name.startswith("no") and kinds.get(name[2:]) == "flag" and not has_value
    if word == "ecn":
        return with_ecn(queue)
    if name == "limit":
        return replace(queue, capacity=_read_limit(queue, value if has_value else next(following, "")))
    if off or kinds.get(name) == "flag":
        return _set(queue, name[2:] if off else name, "flag", "off" if off else value if has_value else "on")
    if name in kinds:
        return _set(queue, name, kinds[name], value if has_value else next(following, ""))
    if has_value:
        check_parameter(queue.discipline, name, 0)  # which says what there is
    return replace(queue, capacity=read_capacity(word))


def _set(queue: Queue, name: str, kind: Kind, text: str) -> Queue:
    try:
        number = _read_value(kind, text)
    except UserError as error:
        raise UserError(f"{name}: {error}") from None
    check_parameter(queue.discipline, name, number)
    return replace(queue, parameters={**queue.parameters, name: number})


def _read_value(kind: Kind, text: str) -> int:
    match kind:
        case "duration":
            return parse_duration(text)
        case "bytes":
            return int(text) if text.isdecimal() else parse_size(text)
        case "share":
            return read_share(text)
        case "gain":
            return read_gain(text)
        case "count" if text.isdecimal():
            return int(text)
        case "flag" if text in _FLAGS:
            return _FLAGS[text]
    raise UserError(f"{text!r} is not {'on or off' if kind == 'flag' else 'a number'}")


def _read_limit(queue: Queue, text: str) -> Capacity:
    if not text.isdecimal():
        return read_capacity(text)
    return read_capacity(f"{text}B" if queue.discipline == "red" else f"{text}p")


def _words(part: str) -> list[str]:
    """The words of what stands between two commas: one, where it is a capacity (`1.0 bdp`) or nothing."""
    return [part] if _is_capacity(part) else part.split() or [""]


def _is_capacity(text: str) -> bool:
    try:
        read_capacity(text)
    except UserError:
        return False
    return True
