"""Lists commands with the whole first sentence of their help, which click would cut off behind a few words."""

from __future__ import annotations

import click

#: Longer than any first sentence.
_WHOLE = 1000


class HelpGroup(click.Group):
    """A group whose help wraps the summaries of its commands."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands."""
        commands = [(name, self.get_command(ctx, name)) for name in self.list_commands(ctx)]
        rows = [(name, each.get_short_help_str(_WHOLE)) for name, each in commands if each and not each.hidden]
        with formatter.section("Commands"):
            formatter.write_dl(rows)
