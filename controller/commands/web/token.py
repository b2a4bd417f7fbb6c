"""`plctl controller token`: who may look at the page, and who may end runs there."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from plctl.common.cli.help_group import HelpGroup
from plctl.common.cli.keys_option import controller_keys_option
from plctl.common.cli.terminal import echo

if TYPE_CHECKING:
    from plctl.controller.web.access.tokens import TokenStore, WebRole


@click.group(
    cls=HelpGroup,
    epilog="""\b
Examples:
  plctl controller token add ada --role operator      prints the token, once
  plctl controller token add prometheus --role viewer
  plctl controller token list
  plctl controller token revoke ada
""",
)
def token() -> None:
    """Make and revoke tokens for the page: only their digests are kept, in the controller's keys folder."""


@token.command()
@click.argument("name")
@click.option("--role", type=click.Choice(["viewer", "operator"]), required=True, help="May only look, or may also "
                                                                                       "end runs.")  # fmt: skip
@controller_keys_option
def add(name: str, role: WebRole, folder: Path | None) -> None:
    """Make a token for NAME and print it; it is shown only now."""
    import time

    from plctl.common.base.clock import format_wall

    echo(_store(folder).add(name, role, format_wall(time.time_ns())))


@token.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@controller_keys_option
def list_tokens(as_json: bool, folder: Path | None) -> None:
    """List who has a token, and since when."""
    from plctl.controller.view.screen import stdout_screen
    from plctl.controller.view.tables import print_table

    store = _store(folder)
    found = [(each.name, each.role, each.created_utc) for each in store.all()]
    if as_json:
        names = ("name", "role", "created_utc")
        echo(json.dumps([dict(zip(names, each, strict=True)) for each in found], indent=1))
    elif found:
        print_table(stdout_screen(), ("name", "role", "since"), found)
    else:
        echo(f"nobody has a token in {store.path.parent}; plctl controller token add NAME --role viewer")


@token.command()
@click.argument("name")
@controller_keys_option
def revoke(name: str, folder: Path | None) -> None:
    """Make the token of NAME void, at once: also what is logged in with it."""
    _store(folder).revoke(name)


def _store(folder: Path | None) -> TokenStore:
    from plctl.common.security.keys import keys_dir
    from plctl.controller.web.access.tokens import TokenStore

    return TokenStore(folder or keys_dir())
