"""Turns YAML into plain values that remember where in the file they stood, so that any later error can be located.

Every scalar stays the text that its author wrote, whatever it looks like: `no`, `0755`, `1:30` and `5201` reach a
command line unchanged. Only nothing (an empty value, `~`, `null`) is None. Aliases and `<<` merges work; how far they
may multiply a document is bounded.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, cast

import yaml
from yaml.composer import Composer
from yaml.resolver import Resolver

from plctl.common.base.problems import Problems, quote

#: Bounds of a document: nesting, and values after all aliases are replaced by what they stand for, unless half as many
#: are written down one by one.
MAX_DEPTH = 32
MAX_VALUES = 100_000

#: How to reach a value from the document's root: keys and list indices.
Path = tuple[str | int, ...]

#: What neither UTF-8 nor a command line can carry; YAML's escapes can make both.
_NO_TEXT = re.compile("[\0\ud800-\udfff]")
_OPEN, _CLOSE = "\ue000", "\ue001"  # from the private-use area, which YAML allows and nobody types
_PLAIN_TAGS = {f"tag:yaml.org,2002:{kind}" for kind in ("str", "map", "seq")}


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A place of a file; lines and columns count from 1, 0 is the file as a whole."""

    line: int = 0
    column: int = 0


@dataclass(slots=True)
class Marked:
    """A document's value (text, None, lists and dicts of such) and where its parts stand."""

    value: Any = None
    values: dict[Path, Place] = field(default_factory=dict)
    keys: dict[Path, Place] = field(default_factory=dict)  #: of a mapping's entries: where the key stands

    def place(self, path: Path) -> Place:
        """Where the value at `path` stands, or the innermost thing around it that stands anywhere."""
        while path and path not in self.values:
            path = path[:-1]
        return self.values.get(path, Place())

    def key_place(self, path: Path) -> Place:
        """Where the key of the value at `path` stands."""
        return self.keys.get(path) or self.place(path)


def load_marked(text: str, problems: Problems, placeholders: Sequence[str] = ()) -> Marked:
    """Read `text`, one YAML document. Mistakes go to `problems`; what could not be read is missing from the result.

    Each of `placeholders` in braces is part of a text even where YAML would take the braces for its own, as in
    ``{at: client, command: ping {server}}``.
    """
    marked = Marked()
    hidden, restore = _hide(text, placeholders)
    try:
        root, written = _compose(hidden)
    except yaml.MarkedYAMLError as error:
        place = _mark(error.problem_mark or error.context_mark)
        said = " ".join(filter(None, (error.problem, error.context)))
        hint = "; a text that begins with * needs quotes" if "alias" in said else ""
        problems.add(place.line, place.column, f"is not YAML: {said}{hint}")
    except yaml.reader.ReaderError as error:
        before = text[: error.position]
        place = Place(before.count("\n") + 1, len(before) - before.rfind("\n"))
        problems.add(place.line, place.column, f"is not YAML: the character {quote(text[error.position])} is illegal")
    else:
        if root is not None:
            _Builder(marked, problems, restore, max(MAX_VALUES, 2 * written)).build(root)
    return marked


def _hide(text: str, placeholders: Sequence[str]) -> tuple[str, Callable[[str], str]]:
    """`text` with the placeholders' braces replaced by characters that mean nothing to YAML, and the way back.

    The length of nothing changes, so all places stay true.
    """
    if not placeholders or _OPEN in text or _CLOSE in text:
        return text, str
    words = "|".join(map(re.escape, placeholders))
    hidden = re.sub(rf"\{{({words})\}}", rf"{_OPEN}\1{_CLOSE}", text)
    return hidden, lambda value: value.replace(_OPEN, "{").replace(_CLOSE, "}")


def _compose(text: str) -> tuple[yaml.Node | None, int]:
    """The document's root, and how many nodes are written there.

    libyaml takes half the time, but what it says of mistakes is not what PyYAML says, and less of a help.

    :raises yaml.YAMLError: it is no YAML.
    """
    for make in _LOADERS[:-1]:
        with suppress(yaml.YAMLError, UnicodeError):
            loader = make(text)
            return loader.get_single_node(), loader.nodes
    loader = _LOADERS[-1](text)
    return loader.get_single_node(), loader.nodes


class _Bounded(Composer):
    """PyYAML's composer without implicit types, and with a bound on nesting (it recurses)."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012  # PyYAML's own attribute
    depth = 0
    nodes = 0  #: aliases included

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        self.depth += 1
        self.nodes += 1
        if self.depth > MAX_DEPTH:
            mark = cast(Any, self).peek_event().start_mark  # each loader brings a parser of its own
            raise yaml.MarkedYAMLError(problem=f"nested more than {MAX_DEPTH} deep", problem_mark=mark)
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node


class _Loader(_Bounded, yaml.SafeLoader):
    """All of it in Python."""


_LOADERS: list[Callable[[str], _Bounded]] = [_Loader]
if yaml.__with_libyaml__:
    from yaml._yaml import CParser

    class _QuickLoader(_Bounded, CParser, Resolver):
        """The same over libyaml's events."""

        def __init__(self, text: str) -> None:
            CParser.__init__(self, text)
            Composer.__init__(self)
            Resolver.__init__(self)

    _LOADERS.insert(0, _QuickLoader)


class _Builder:
    """Makes plain values of nodes and notes their places."""

    def __init__(self, marked: Marked, problems: Problems, restore: Callable[[str], str], limit: int) -> None:
        self.restore = restore
        self.limit = limit
        self.marked = marked
        self.problems = problems
        self.count = 0
        self.open: set[int] = set()  # nodes being built, to find an alias within what it stands for

    def build(self, root: yaml.Node) -> None:
        try:
            self.marked.value = self._value(root, ())
        except _TooMuchError as error:
            self._complain(error.node, str(error))
            self.marked.value = None

    def _value(self, node: yaml.Node, path: Path) -> Any:
        self.count += 1
        if self.count > self.limit:
            raise _TooMuchError(node, f"has more than {self.limit} values, aliases included")
        if id(node) in self.open:
            raise _TooMuchError(node, "an alias stands within what it stands for")
        if len(self.open) >= MAX_DEPTH:
            raise _TooMuchError(node, f"nested more than {MAX_DEPTH} deep, aliases included")
        self.marked.values.setdefault(path, _mark(node.start_mark))
        if node.tag not in _PLAIN_TAGS:
            self._complain(node, f"the tag {quote(node.tag)} is not used here; remove it")
        self.open.add(id(node))
        try:
            return self._content(node, path)
        finally:
            self.open.remove(id(node))

    def _content(self, node: yaml.Node, path: Path) -> Any:
        if isinstance(node, yaml.SequenceNode):
            return [self._value(item, (*path, index)) for index, item in enumerate(node.value)]
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path)
        text = self.restore(node.value)
        if illegal := _NO_TEXT.search(text):
            self._complain(node, f"the character {quote(illegal[0])} may not be part of a text")
        nothing = isinstance(node, yaml.ScalarNode) and not node.style and text in ("", "~", "null")
        return None if nothing else text

    def _mapping(self, node: yaml.MappingNode, path: Path) -> dict[str, Any]:
        own: dict[str, Any] = {}
        merges = []
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                self._complain(key, "a key must be a plain word")
            elif key.value == "<<" and not key.style:
                merges.append(value)
            elif (name := self.restore(key.value)) in own:
                self._complain(key, f"the key {quote(name)} is given twice")
            else:
                self.marked.keys.setdefault((*path, name), _mark(key.start_mark))
                own[name] = self._value(value, (*path, name))
        # Merges come last, so that places noted for own keys stay.
        merged = [self._merge(value, path) for value in merges]
        return {key: value for mapping in [*reversed(merged), own] for key, value in mapping.items()}

    def _merge(self, node: yaml.Node, path: Path) -> dict[str, Any]:
        """What `<<: node` adds to the mapping at `path`: of several mappings the first one with a key counts."""
        found: dict[str, Any] = {}
        for part in node.value if isinstance(node, yaml.SequenceNode) else [node]:
            value = self._value(part, path)
            if isinstance(value, dict):
                found = value | found
            else:
                self._complain(part, "<< must be followed by an alias of a mapping")
        return found

    def _complain(self, node: yaml.Node, text: str) -> None:
        place = _mark(node.start_mark)
        self.problems.add(place.line, place.column, text)


class _TooMuchError(Exception):
    """The way out of the recursion when a document has no sane end."""

    def __init__(self, node: yaml.Node, text: str) -> None:
        super().__init__(text)
        self.node = node


def _mark(mark: Any) -> Place:
    return Place(mark.line + 1, mark.column + 1) if mark else Place()
