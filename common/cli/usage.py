"""Words what is wrong with a command line as every other error of plctl's: what it is, and what was probably meant."""

from __future__ import annotations

import re
from typing import IO, Any

import click

from plctl.common.base.problems import nearest
from plctl.common.cli.terminal import echo_marked


class Misuse(click.ClickException):
    """A mistake on the command line, on its way out."""

    exit_code = 2

    def __init__(self, error: click.UsageError, path: str) -> None:
        """`path` names the command where `error` does not know it."""
        super().__init__(_sentence(error))
        self.usage = error.ctx.get_usage().replace("Usage:", "usage:") if error.ctx else ""
        self.path = error.ctx.command_path if error.ctx else path

    def show(self, file: IO[Any] | None = None) -> None:  # noqa: ARG002  (click's signature)
        """Print the sentence, then how the command is used."""
        lines = [self.message, *filter(None, (" ".join(self.usage.split()),)), f"{self.path} --help tells more"]
        echo_marked("error:", "red", "\n  ".join(lines), err=True)


def _sentence(error: click.UsageError) -> str:
    """What is wrong; click's own words where it knows more than we do."""
    if isinstance(error, click.NoSuchOption):
        return f"there is no option {error.option_name}{_meant(error.option_name, _options(error.ctx))}"
    if named := re.match(r"No such command '(.*?)'\.", error.message):
        group = error.ctx.command if error.ctx else None
        known = group.list_commands(error.ctx) if isinstance(group, click.Group) and error.ctx else []
        return f"there is no command {named[1]}{_meant(named[1], known)}"
    said = error.format_message().rstrip(".")
    said = said.replace("is not a valid integer range", "is not a whole number")
    if isinstance(error, click.BadParameter) and isinstance(error.param, click.Parameter):
        said += _meant_value(error.message, error.param)
    return said


def _options(ctx: click.Context | None) -> list[str]:
    params = ctx.command.get_params(ctx) if ctx else []
    return [
        name for param in params if isinstance(param, click.Option) for name in (*param.opts, *param.secondary_opts)
    ]


def _meant_value(said: str, param: click.Parameter) -> str:
    """A guess at which of a few words was meant."""
    given = re.match(r"'(.*?)'", said)
    return _meant(given[1], list(param.type.choices)) if given and isinstance(param.type, click.Choice) else ""


def _meant(word: str, known: list[str]) -> str:
    near = nearest(word, known)
    return f"; did you mean {near}?" if near else ""
