"""Ranges in host names."""

from __future__ import annotations

import pytest

from plctl.deploy.inventory.ranges import expand


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("node1", ["node1"]),
        ("node[08-11]", ["node08", "node09", "node10", "node11"]),
        ("n[1,3,7-8].lab", ["n1.lab", "n3.lab", "n7.lab", "n8.lab"]),
        ("web[01:05:2]", ["web01", "web03", "web05"]),
        ("db-[a:c]", ["db-a", "db-b", "db-c"]),
        ("r[1-2]n[1-2]", ["r1n1", "r1n2", "r2n1", "r2n2"]),
    ],
)
def test_a_range_stands_for_its_names_in_order(text: str, expected: list[str]) -> None:
    """The width of the first number is kept, and several ranges multiply."""
    assert expected == expand(text)


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("node[20-01]", "smaller number comes first"),
        ("node[1-", "brackets"),
        ("node[]", "no range"),
        ("node[a-Z]", "no range"),
        ("node[1-999999999]", "too long"),
        ("n[1-9999][1-9999]", "at most"),
    ],
)
def test_what_is_no_range_is_refused_in_words(text: str, part: str) -> None:
    """Also one that would stand for more names than any testbed has, and before they are made."""
    with pytest.raises(ValueError, match=part):
        expand(text)
