"""YAML becomes plain text values with places; no document is too clever for its bounds."""

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from plctl.common.base.problems import Problems
from plctl.controller.spec import yaml_marks
from plctl.controller.spec.yaml_marks import MAX_DEPTH, Marked, Place, load_marked


def load(text: str, *placeholders: str) -> tuple[Marked, list[str]]:
    problems = Problems("a.yaml")
    marked = load_marked(text, problems, placeholders)
    return marked, [str(problem) for problem in problems.found]


def value(text: str) -> object:
    marked, problems = load(text)
    assert [] == problems
    return marked.value


def test_scalars_stay_as_written() -> None:
    """No word turns into a truth value, an octal or a time of day; only nothing is None."""
    assert {"a": ["no", "0755", "1:30", "2024-01-01", "1e3", None, "null", None]} == value(
        'a: [no, 0755, 1:30, 2024-01-01, 1e3, ~, "null", null]'
    )


def test_knows_where_everything_stands() -> None:
    """Values, keys and list items have their line and column."""
    marked, _ = load("a:\n  - b: 1\n    cc: {d: 2}\n")
    assert Place(2, 8) == marked.place(("a", 0, "b"))
    assert Place(3, 5) == marked.key_place(("a", 0, "cc"))
    assert Place(3, 13) == marked.place(("a", 0, "cc", "d"))


def test_what_is_missing_stands_where_its_parent_does() -> None:
    """A path that leads nowhere is located at the innermost value around it."""
    marked, _ = load("a:\n  - b: 1\n")
    assert Place(2, 5) == marked.place(("a", 0, "c", "d"))


def test_merges_and_aliases() -> None:
    """An own key comes before a merged one, and an earlier merge before a later one, in value and in place."""
    marked, problems = load("x: &x {a: 1, b: 1}\ny: &y {b: 2, c: 2}\nz:\n  c: 3\n  <<: [*x, *y]\n")
    assert [] == problems
    assert {"a": "1", "b": "1", "c": "3"} == marked.value["z"]
    assert [Place(4, 6), Place(1, 11)] == [marked.place(("z", key)) for key in ("c", "a")]


def test_placeholders_are_text_within_flow_mappings() -> None:
    """`{server}` needs no quotes in a flow mapping, and places beyond it stay true."""
    marked, problems = load("- {a: ping {server} -c {x}, b: 1}\n", "server")
    assert 1 == len(problems)
    marked, problems = load("- {a: ping {server} -c 1, b: 1}\n", "server")
    assert ([], [{"a": "ping {server} -c 1", "b": "1"}]) == (problems, marked.value)
    assert Place(1, 30) == marked.place((0, "b"))


def test_private_characters_of_the_authors_own_stay() -> None:
    """A text that itself has the characters used to hide placeholders is not altered."""
    marked, _ = load('a: "\ue000 {server}"\n', "server")
    assert {"a": "\ue000 {server}"} == marked.value


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("a: 1\na: 2\n", "a.yaml:2:1: the key 'a' is given twice"),
        ("? [1]\n: 2\n", "a.yaml:1:3: a key must be a plain word"),
        ("a: !!python/object:os.system x\n",
         "a.yaml:1:4: the tag 'tag:yaml.org,2002:python/object:os.syst…' is not used here; remove it"),
        ("a: !!int 5\n", "a.yaml:1:4: the tag 'tag:yaml.org,2002:int' is not used here; remove it"),
        ("<<: 5\n", "a.yaml:1:5: << must be followed by an alias of a mapping"),
        ("a: &a [*a]\n", "a.yaml:1:4: an alias stands within what it stands for"),
        ('a: "\\0"\n', r"a.yaml:1:4: the character '\x00' may not be part of a text"),
        ('a: "\\ud800"\n', r"a.yaml:1:4: the character '\ud800' may not be part of a text"),
        ("a: [1\n",
         "a.yaml:2:1: is not YAML: expected ',' or ']', but got '<stream end>' while parsing a flow sequence"),
        ("a: *b\n", "a.yaml:1:4: is not YAML: found undefined alias 'b'; a text that begins with * needs quotes"),
        ("hosts: [*]\n",
         "a.yaml:1:10: is not YAML: expected alphabetic or numeric character, but found ']' while scanning an alias; "
         "a text that begins with * needs quotes"),
        ("a: 1\n\x07\n", r"a.yaml:2:1: is not YAML: the character '\x07' is illegal"),
        ("a: 1\n--- b\n",
         "a.yaml:2:1: is not YAML: but found another document expected a single document in the stream"),
    ],
)  # fmt: skip
def test_refuses(text: str, sentence: str) -> None:
    """Every misuse of YAML has its own located sentence."""
    assert [sentence] == load(text)[1]


def test_refuses_deep_nesting_without_recursing() -> None:
    """A hundred thousand brackets are refused at the first that is too deep."""
    assert [f"a.yaml:1:{MAX_DEPTH + 1}: is not YAML: nested more than 32 deep"] == load("[" * 100_000)[1]


def test_refuses_nesting_by_aliases() -> None:
    """A chain of aliases nests no deeper than brackets may."""
    text = "- &a0 [x]\n" + "".join(f"- &a{n} [*a{n - 1}]\n" for n in range(1, 1000))
    assert any("nested more than 32 deep, aliases included" in problem for problem in load(text)[1])


def test_reads_as_many_values_as_are_written() -> None:
    """The bound is on what aliases make of a document, not on what its author wrote."""
    assert 150_000 == len(load("[" + "x," * 150_000 + "]")[0].value)


def test_refuses_a_billion_laughs() -> None:
    """Aliases of aliases may not multiply a small document into a huge one."""
    text = "- &a0 [x,x,x,x,x,x,x,x,x,x]\n" + "".join(
        f"- &a{n} [{','.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 9)
    )
    assert any("has more than 100000 values, aliases included" in problem for problem in load(text)[1])


@given(st.text() | st.text("{}[]:,-&*!|>'\"%@` \nab<#?", max_size=40))
def test_any_text_is_read_or_refused(text: str) -> None:
    """No text makes the reader raise."""
    load(text, "server")


@given(st.text("{}[]:,-*!|>'\"% \nab~0", max_size=60) | st.text("- :ab\n {}[],", max_size=60))
def test_both_readers_agree(text: str) -> None:
    """What libyaml reads, PyYAML reads alike, places included: nobody's spec depends on which is there."""
    quick, slow = yaml_marks._LOADERS
    try:
        root = quick(text).get_single_node()
        expected = slow(text).get_single_node()
    except yaml.YAMLError:
        return
    assert _tree(expected) == _tree(root)


def _tree(node: object) -> object:
    """Everything of a node that a reader looks at."""
    if not isinstance(node, yaml.Node):
        return [_tree(part) for part in node] if isinstance(node, (list, tuple)) else node
    return node.tag, node.start_mark.line, node.start_mark.column, bool(getattr(node, "style", "")), _tree(node.value)
