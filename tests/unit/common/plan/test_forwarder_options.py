"""What is asked of a forwarder survives every command line on its way."""

from __future__ import annotations

import os
from typing import get_args

import click
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from plctl.common.cli.forwarder_options import forwarder_options
from plctl.common.plan.forwarder_options import ForwarderOptions, Io, Spin
from plctl.common.protocol.wire import from_plain, to_plain

HERE = sorted(os.sched_getaffinity(0))


def parse(*arguments: str) -> ForwarderOptions:
    """The options that a command with these arguments gets."""
    got: list[ForwarderOptions] = []

    @click.command()
    @forwarder_options
    def command(forwarder: ForwarderOptions) -> None:
        got.append(forwarder)

    result = CliRunner().invoke(command, list(arguments))
    if result.exit_code:
        raise ValueError(result.output)
    return got[0]


options = st.builds(
    ForwarderOptions,
    io=st.sampled_from(get_args(Io)),
    workers=st.integers(0, 64),
    spin=st.sampled_from(get_args(Spin)),
    spin_budget=st.floats(0, 1, allow_subnormal=False),
    real_time=st.integers(0, 99),
    cpus=st.lists(st.sampled_from(HERE), max_size=4).map(tuple),
    lock_memory=st.booleans(),
)


@given(options)
def test_arguments_say_the_same(asked: ForwarderOptions) -> None:
    """What one command hands to the next by its command line arrives unchanged; so does what travels as a message."""
    assert asked == parse(*asked.arguments())
    assert asked == from_plain(ForwarderOptions, to_plain(asked))


def test_without_arguments_the_defaults_hold() -> None:
    """A command that is told nothing asks for what the dataclass says."""
    assert ForwarderOptions() == parse()


def test_rt_needs_no_number() -> None:
    """`--rt` alone asks for a priority below that of interrupts, and does not swallow the next word."""
    assert 10 == parse("--rt").real_time
    assert ForwarderOptions(real_time=10, spin="busy") == parse("--rt", "--spin", "busy")


def test_cpus_may_be_ranges() -> None:
    """`0-0` is CPU 0."""
    first = HERE[0]
    assert (first, first) == parse("--cpus", f"{first}-{first}, {first}").cpus


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--cpus", "4095"), "CPU 4095 is not among those that this process may use"),
        (("--cpus", "two"), "'two' is no CPU; write numbers and ranges, e.g. 2,3 or 4-7"),
        (("--cpus", "1-"), "'1-' is no CPU"),
        (("--rt", "100"), "100 is not in the range 0<=x<=99"),
        (("--spin-budget", "1.5"), "1.5 is not in the range 0<=x<=1"),
    ],
)
def test_what_cannot_be_is_refused(arguments: tuple[str, str], sentence: str) -> None:
    """A wrong value is a sentence that says what is legal."""
    with pytest.raises(ValueError, match="Usage") as refused:
        parse(*arguments)
    assert sentence in " ".join(str(refused.value).replace("│", "").split())
