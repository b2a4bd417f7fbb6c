"""Scenarios are made on standard output, which other commands read, and the same command makes the same bytes."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from plctl.common.cli.root_command import root

EXAMPLES = {
    "constant": "--rate 50Mbit/s --delay 20ms",
    "step": "--rate 50Mbit/s,5Mbit/s --delay 20ms --every 10s",
    "sawtooth": "--rate 5Mbit/s..50Mbit/s --delay 20ms --period 10s",
    "sine": "--rate 5Mbit/s..50Mbit/s --delay 20ms..60ms --period 10s",
    "random-walk": "--rate 2Mbit/s..40Mbit/s --delay 20ms..50ms",
    "markov": "--state 50Mbit/s,20ms,900ms --state 0Mbit/s,20ms,100ms --jump 1:2=1",
    "cellular": "--speed 90 --spacing 1500",
}
SEEDED = ["random-walk", "markov", "cellular"]


def plctl(words: str, stdin: str | None = None) -> Result:
    """What `plctl scenario` with these words prints."""
    return CliRunner().invoke(root, ["scenario", *shlex.split(words)], input=stdin)


def made(words: str) -> str:
    """What `plctl scenario make` with these words writes."""
    result = plctl(f"make {words}")
    assert 0 == result.exit_code, result.output
    return result.stdout


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_model_makes_what_other_commands_read(name: str) -> None:
    """For as long as it was told, also where the last row begins earlier."""
    text = made(f"{name} {EXAMPLES[name]} --duration 30s")
    facts = json.loads(plctl("stats - --json", text).stdout)
    assert {30_000_000_000} == {way["duration_ns"] for way in facts.values()}
    assert "# plctl: end 15000ms\n" in plctl("cut - --to 15s", text).stdout


@pytest.mark.parametrize("name", SEEDED)
def test_a_seed_reproduces_byte_for_byte(name: str) -> None:
    """Twice the same with one seed, which need not be said, and different with another."""
    words = f"{name} {EXAMPLES[name]}"
    table = made(words).split("\n", 1)[1]
    assert table == made(f"{words} --seed 1").split("\n", 1)[1]
    assert table != made(f"{words} --seed 2").split("\n", 1)[1]


def test_what_a_seed_made_it_makes_for_ever() -> None:
    """Rows in people's papers: a change of this expectation is a change of every scenario that was ever made."""
    rows = made(f"markov {EXAMPLES['markov']} --seed 7 --duration 1s").splitlines()[3:]
    assert ["0,0,20,50", "384.46275,0,20,0", "509.497791,0,20,50"] == rows


def test_the_first_line_is_the_command_that_makes_it_again(tmp_path: Path) -> None:
    """Wherever it was written to; run again it makes the same."""
    words = f"sine {EXAMPLES['sine']}"
    text = made(words)
    assert f"# plctl scenario make {words}" == text.split("\n", 1)[0]
    for where in (f"-o {tmp_path}/a.csv", f"--out={tmp_path}/a.csv", f"-o{tmp_path}/a.csv"):
        made(f"{words} {where}")
        assert text == (tmp_path / "a.csv").read_text()
        (tmp_path / "a.csv").unlink()


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("sine --rate fast --delay 20ms", "'fast' is not a rate; write a number and one of bit/s"),
        ("sine --rate 1Mbit/s..inf --delay 20ms", "'1Mbit/s..inf' has an unlimited end, between which"),
        ("sine --rate 1Mbit/s", "Missing option '--delay'"),
        ("step --rate 1Mbit/s,,2Mbit/s --delay 20ms", "'' is not a rate"),
        ("sine --rate 1Mbit/s --delay 20ms..25ms --step 1ms --duration 2h", "make the step longer"),
        ("markov --state 1Mbit/s,20ms", "'1Mbit/s,20ms' is no state; write a rate, a delay and a mean stay"),
        ("markov --state 1Mbit/s,20ms,0s --state 1Mbit/s,20ms,1s", "'1Mbit/s,20ms,0s' has no time to stay"),
        ("markov --state 1Mbit/s,20ms,1s", "a chain needs two states or more, between which it jumps"),
        ("markov --state 1Mbit/s,20ms,1s --jump 1-2", "'1-2' is no jump; write two numbers of states and a weight"),
        ("cellular --speed nan", "nan is not a number"),
        ("cellular --load 1", "1.0 is not in the range 0<=x<1"),
    ],
)
def test_what_cannot_be_made_is_said(words: str, sentence: str) -> None:
    """In a sentence, with status 2."""
    result = plctl(f"make {words}")
    assert 2 == result.exit_code
    assert sentence in " ".join(result.stderr.split())
