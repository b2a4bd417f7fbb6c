"""The language of `where` and `when`: factors compared with levels. A parser of its own; no text becomes Python code.

    or, and, not        ==  !=  <  <=  >  >=  in  not in        + - * /        ( )  [a, b]
    cc, buffer          the level of a factor in the cell that is asked about
    'bbr', "bbr"        a level; what reads as a number with a unit is one: '1bdp' is 1bdp
    1.5, 2%, 10ms, 80Mbit/s, 64kB, 0.5bdp, 100p, true, false

Numbers of two kinds cannot be compared. A bare number can be compared with `%`, `bdp` and `p`, which have no multiples.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import Any

from plctl.common.base.errors import UserError
from plctl.common.base.problems import quote, suggest
from plctl.controller.study.calculation import ORDERS, calculated, compared, truth
from plctl.controller.study.quantity import Quantity, Value, value_of

#: Bounds of an expression: characters, and brackets and signs within each other.
MAX_LENGTH = 4000
_MAX_DEPTH = 40
WORDS = frozenset(("and", "or", "not", "in", "true", "false"))
_TOKEN = re.compile(
    r"""\s*(?:(?P<number>[0-9][0-9_]*(?:\.[0-9]+)?(?:%|[A-Za-zµ]+(?:/s)?)?)
    |(?P<text>'[^']*'|"[^"]*")|(?P<name>[A-Za-z_][A-Za-z0-9_]*)|(?P<sign>[<>=!]=|[-<>+*/()\[\],]))""",
    re.VERBOSE,
)

Values = Mapping[str, Value]
_Part = Callable[[Values], Any]


class Expression:
    """One expression over `factors`; `names` are those that it asks for."""

    def __init__(self, text: str, factors: Sequence[str]) -> None:
        """Read `text`.

        :raises UserError: it is no expression over `factors`; the message says where.
        """
        self.text = text
        parser = _Parser(text, factors)
        self._part = parser.whole()
        self.names = frozenset(parser.names)

    def holds(self, levels: Mapping[str, str]) -> bool:
        """Whether it is true of the cell with these `levels`.

        :raises UserError: it compares what cannot be compared.
        """
        return truth(self._part({name: value_of(level) for name, level in levels.items()}))


class _Parser:
    """Recursive descent over the tokens; each method returns what computes the part that it read."""

    def __init__(self, text: str, factors: Sequence[str]) -> None:
        if len(text) > MAX_LENGTH:
            raise UserError(f"is longer than {MAX_LENGTH} characters")
        self.factors = factors
        self.names: set[str] = set()
        self._tokens = _tokens(text)
        self._at = 0
        self._depth = 0

    def whole(self) -> _Part:
        part = self._any()
        if self._next:
            raise UserError(f"{quote(self._next)} was not expected {self._place}")
        return part

    @property
    def _next(self) -> str:
        return self._tokens[self._at][1] if self._at < len(self._tokens) else ""

    @property
    def _place(self) -> str:
        return f"at character {self._tokens[self._at][2]}" if self._next else "at its end"

    def _take(self, *words: str) -> str:
        """The next token, if it is one of `words`; else nothing."""
        if (word := self._next) in words:
            self._at += 1
            return word
        return ""

    def _any(self) -> _Part:
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            raise UserError(f"is nested more than {_MAX_DEPTH} deep")
        parts = [self._all()]
        while self._take("or"):
            parts.append(self._all())
        self._depth -= 1
        return parts[0] if len(parts) == 1 else lambda values: any(truth(part(values)) for part in parts)

    def _all(self) -> _Part:
        parts = [self._negation()]
        while self._take("and"):
            parts.append(self._negation())
        return parts[0] if len(parts) == 1 else lambda values: all(truth(part(values)) for part in parts)

    def _negation(self) -> _Part:
        negated = 0
        while self._take("not"):
            negated += 1
        part = self._comparison()
        if not negated:
            return part
        return lambda values: truth(part(values)) != bool(negated % 2)

    def _comparison(self) -> _Part:
        parts, signs = [self._sum()], []
        while sign := self._comparing():
            signs.append(sign)
            parts.append(self._sum())
        if not signs:
            return parts[0]

        def compare(values: Values) -> bool:
            found = [part(values) for part in parts]
            return all(compared(sign, *pair) for sign, *pair in zip(signs, found, found[1:], strict=False))

        return compare

    def _comparing(self) -> str:
        if self._take("not"):
            if self._take("in"):
                return "not in"
            raise UserError(f"in was expected behind not {self._place}")
        return self._take("==", "!=", "in", *ORDERS)

    def _sum(self) -> _Part:
        part = self._product()
        while sign := self._take("+", "-"):
            part = _calculation(sign, part, self._product())
        return part

    def _product(self) -> _Part:
        part = self._atom()
        while sign := self._take("*", "/"):
            part = _calculation(sign, part, self._atom())
        return part

    def _atom(self) -> _Part:
        if self._take("-"):
            return _calculation("*", _constant(Quantity(Fraction(-1))), self._number_or_name())
        if self._take("("):
            part = self._any()
            self._expect(")")
            return part
        if self._take("["):
            return self._list()
        return self._number_or_name()

    def _list(self) -> _Part:
        parts: list[_Part] = []
        while not self._take("]"):
            if parts:
                self._expect(",")
            parts.append(self._any())
        return lambda values: [part(values) for part in parts]

    def _number_or_name(self) -> _Part:
        if not self._next:
            raise UserError("something is missing at its end")
        kind, word, _ = self._tokens[self._at]
        if kind == "sign" or (word in WORDS and word not in ("true", "false")):
            raise UserError(f"{quote(word)} was not expected {self._place}")
        self._at += 1
        if kind == "name" and word not in WORDS:
            return self._name(word)
        value = value_of(word[1:-1] if kind == "text" else word)
        if kind == "number" and isinstance(value, str):
            raise UserError(f"{quote(word)} is not a number with a unit; write e.g. 10ms, 80Mbit/s, 64kB, 2% or 1bdp")
        return _constant(value)

    def _name(self, word: str) -> _Part:
        if word not in self.factors:
            hint = suggest(word, self.factors) if self.factors else "there is none"
            raise UserError(f"{quote(word)} is no factor that is known here; {hint}; a level is written '{word}'")
        self.names.add(word)
        return lambda values: values[word]

    def _expect(self, word: str) -> None:
        if not self._take(word):
            raise UserError(f"{word} was expected {self._place}")


def _tokens(text: str) -> list[tuple[str, str, int]]:
    """Kind, text and place (from 1) of each token.

    :raises UserError: there is something else.
    """
    found, at = [], 0
    while text[at:].strip():
        match = _TOKEN.match(text, at)
        if not match or not match.lastgroup:
            raise UserError(f"{quote(text[at:].strip())} is not understood")
        found.append((match.lastgroup, match[match.lastgroup], match.start(match.lastgroup) + 1))
        at = match.end()
    if not found:
        raise UserError("is empty")
    return found


def _constant(value: Value) -> _Part:
    return lambda _values: value


def _calculation(sign: str, left: _Part, right: _Part) -> _Part:
    return lambda values: calculated(sign, left(values), right(values))
