"""Comparing and calculating with levels, and what may not be compared: a sentence each."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

from plctl.common.base.errors import UserError
from plctl.common.base.problems import quote
from plctl.common.base.units import format_duration, format_rate, format_size
from plctl.controller.study.quantity import Quantity

ORDERS: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip
_FORMATS: dict[str, Callable[[int], str]] = {"time": format_duration, "rate": format_rate, "size": format_size}


def truth(value: object) -> bool:
    """`value`, if it is true or false.

    :raises UserError: it is neither.
    """
    if isinstance(value, bool):
        return value
    raise UserError(f"{_words(value)} is neither true nor false; compare it with something")


def compared(sign: str, a: object, b: object) -> bool:
    """Whether `a` and `b`, which may be lists of levels behind in, compare as `sign` says.

    :raises UserError: they cannot be compared so.
    """
    if sign in ("in", "not in"):
        if not isinstance(b, list):
            raise UserError(f"what follows in must be a list such as ['bbr', 'cubic'], not {_words(b)}")
        return any(compared("==", a, each) for each in b) == (sign == "in")
    if isinstance(a, Quantity) and isinstance(b, Quantity):
        _check_kinds(a, b)
        a, b = a.number, b.number
    elif sign in ORDERS:
        raise UserError(f"{_words(a)} and {_words(b)} have no order; only numbers have")
    return ORDERS[sign](a, b) if sign in ORDERS else (a == b) == (sign == "==")


def calculated(sign: str, a: object, b: object) -> Quantity:
    """What `a` and `b` give by one of + - * /.

    :raises UserError: that is impossible.
    """
    if not (isinstance(a, Quantity) and isinstance(b, Quantity)):
        raise UserError(f"{_words(a)} {sign} {_words(b)} is impossible; only numbers can be calculated with")
    return _add(sign, a, b) if sign in "+-" else _multiply(sign, a, b)


def _check_kinds(a: Quantity, b: Quantity) -> None:
    if a.kind != b.kind and not (("" in (a.kind, b.kind)) and a.is_plain and b.is_plain):
        raise UserError(f"{_words(a)} and {_words(b)} cannot be compared; write both with units of one kind")


def _add(sign: str, a: Quantity, b: Quantity) -> Quantity:
    _check_kinds(a, b)
    return Quantity(a.number + b.number if sign == "+" else a.number - b.number, a.kind or b.kind)


def _multiply(sign: str, a: Quantity, b: Quantity) -> Quantity:
    if sign == "/" and not b.number:
        raise UserError(f"{_words(a)} / 0 is impossible")
    if sign == "/":
        if b.kind and b.kind != a.kind:
            raise UserError(f"{_words(a)} / {_words(b)} is impossible; divide by a number, or by one of the same kind")
        return Quantity(a.number / b.number, "" if b.kind else a.kind)
    if a.kind and b.kind:
        raise UserError(f"{_words(a)} * {_words(b)} is impossible; one of both must be a bare number")
    return Quantity(a.number * b.number, a.kind or b.kind)


def _words(value: object) -> str:
    if isinstance(value, Quantity):
        make = _FORMATS.get(value.kind)
        return make(int(value.number)) if make else f"{float(value.number):g}{value.kind}"
    if isinstance(value, bool):
        return str(value).lower()
    return quote(value) if isinstance(value, str) else "a list"
