"""What arrives from another process is what its type hints say, or it is refused with its place."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plctl.common.base.errors import ProtocolError
from plctl.common.protocol import wire


@dataclass(frozen=True)
class Leaf:
    size: int
    kind: Literal["a", "b"] = "a"


@dataclass(frozen=True)
class Tree:
    name: str
    leaves: tuple[Leaf, ...] = ()
    marks: dict[str, int] = field(default_factory=dict)
    pair: tuple[int, str] = (0, "")
    maybe: Leaf | None = None
    table: wire.Table[Leaf] = ()
    tables: dict[str, wire.Table[Leaf]] = field(default_factory=dict)
    numbered: tuple[int, wire.Table[Leaf]] = (0, ())
    perhaps: wire.Table[Leaf] | None = None


leaves = st.builds(Leaf, st.integers(-(2**63), 2**63 - 1), st.sampled_from(["a", "b"]))
trees = st.builds(
    Tree,
    st.text(),
    st.lists(leaves).map(tuple),
    st.dictionaries(st.text(), st.integers(0, 9)),
    st.tuples(st.integers(0, 9), st.text()),
    st.none() | leaves,
    tables := st.lists(leaves).map(tuple),
    st.dictionaries(st.text(), tables),
    st.tuples(st.integers(0, 9), tables),
    st.none() | tables,
)


@given(trees)
def test_round_trip(tree: Tree) -> None:
    """What is packed on one side is equal to what is unpacked on the other."""
    assert tree == wire.from_plain(Tree, wire.unpack(wire.pack(wire.to_plain(tree))))


@pytest.mark.parametrize(
    ("plain", "sentence"),
    [
        ({"name": 1}, "Tree.name: expected str, got int"),
        ({}, "Tree: missing field 'name'"),
        ({"name": "", "nam": 1}, "Tree: unknown field 'nam'"),
        ({"name": "", "leaves": [{"size": True}]}, "Tree.leaves[].size: expected int, got bool"),
        ({"name": "", "leaves": [{"size": 1, "kind": "c"}]}, "Tree.leaves[].kind: expected one of a, b, got 'c'"),
        ({"name": "", "leaves": {}}, "Tree.leaves: expected list, got dict"),
        ({"name": "", "marks": {"x": "y"}}, "Tree.marks.x: expected int, got str"),
        ({"name": "", "pair": [1]}, "Tree.pair: expected list of 2, got list"),
        ({"name": "", "table": []}, "Tree.table: expected columns size, kind, got list"),
        ({"name": "", "table": {"size": []}}, "Tree.table: expected columns size, kind, got size"),
        ({"name": "", "table": {"size": [1.0], "kind": ["a"]}}, "Tree.table.size[]: expected int, got float"),
        ({"name": "", "table": {"size": [1], "kind": [[]]}}, "Tree.table.kind[]: expected one of a, b, got []"),
        (
            {"name": "", "table": {"size": [], "kind": ["a"]}},
            "Tree.table: expected columns equally long, got 0 to 1 rows",
        ),
        ([], "Tree: expected map (Tree), got list"),
    ],
)
def test_refusal_says_where(plain: object, sentence: str) -> None:
    """Each way in which a value can differ from its declaration has a sentence that names the place."""
    with pytest.raises(ProtocolError, match="^" + re.escape(sentence) + "$"):
        wire.from_plain(Tree, plain)


def test_a_table_is_columns() -> None:
    """However many rows there are, the wire has each field's name once."""
    plain = wire.to_plain(Tree("", table=(Leaf(1), Leaf(2, "b"))))
    assert {"size": [1, 2], "kind": ["a", "b"]} == plain["table"]


@given(st.binary(max_size=200))
def test_hostile_bytes_are_refused_not_fatal(data: bytes) -> None:
    """Arbitrary bytes end in a value or in a ProtocolError, never in another exception."""
    try:
        wire.unpack(data)
    except ProtocolError:
        return


def test_deep_nesting_is_refused() -> None:
    """A message nested beyond reason is refused rather than overflowing the stack."""
    with pytest.raises(ProtocolError):
        wire.unpack(b"\x91" * 100_000 + b"\xc0")


def test_claimed_length_is_not_believed() -> None:
    """A list that claims four billion items is refused without memory being set aside for it."""
    with pytest.raises(ProtocolError):
        wire.unpack(b"\xdd\xff\xff\xff\xff")
