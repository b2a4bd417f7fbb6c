"""Help that can be read to the end."""

from __future__ import annotations

import click
from click.testing import CliRunner

from plctl.common.cli.help_group import HelpGroup
from plctl.common.cli.root_command import root


def test_summaries_are_wrapped_and_not_cut() -> None:
    """The whole first sentence of each command, whatever its length; hidden ones stay hidden."""
    sentence = "Do something that takes many words to say, more than fit beside the name of a command."
    commands = [click.Command("it", help=f"{sentence}\n\nAnd more."), click.Command("secret", help="No.", hidden=True)]
    output = CliRunner().invoke(HelpGroup("group", commands), ["--help"]).output
    assert sentence in " ".join(output.split())
    assert "And more" not in output
    assert "secret" not in output


def test_no_summary_of_ours_ends_in_dots() -> None:
    """Neither of a command nor of a command's commands."""
    for words in ([], ["link"], ["lab"], ["scenario"], ["controller"], ["agent"], ["probe"]):
        output = CliRunner().invoke(root, [*words, "--help"]).output
        assert "..." not in output.partition("Commands:")[2].partition("Examples:")[0], output
