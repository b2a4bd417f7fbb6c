"""The `plctl` command itself: finds its subcommands, and turns errors into sentences and exit statuses.

Subcommands are entry points of the group ``plctl.commands``. A command's module is imported when the command is called
or its help line is listed, never before: `plctl --version` costs nothing, and a host that has only the agent's packages
can call every command of the agent's.
"""

from __future__ import annotations

import os
import signal
import sys
from importlib.metadata import EntryPoint, entry_points
from typing import IO, Any, NoReturn

import click

from plctl.common import __version__
from plctl.common.base.errors import PlctlError, UserError
from plctl.common.base.leaving import leave_as
from plctl.common.cli import streams
from plctl.common.cli.help_group import HelpGroup
from plctl.common.cli.start import CANCELLED
from plctl.common.cli.terminal import echo_marked
from plctl.common.cli.usage import Misuse

GROUP = "plctl.commands"

#: The order in which a newcomer meets the commands; any others follow by name.
_ORDER = (
    "run", "runs", "show", "events", "why", "cancel", "set", "fetch", "report", "view", "packets", "scenario", "study",
    "link", "probe", "lab", "doctor", "clean", "agents", "controller", "deploy", "agent", "completion",
)  # fmt: skip

_INSTALL = "pip install 'plctl[controller]'"

_EXAMPLES = """\b
Examples:
  sudo plctl run scenarios/quickstart.yaml        run it, follow it, write a report
  sudo plctl run handover.csv -- ping -c 60 192.168.66.2
                                                  your own command over a changing path
  sudo plctl study run scenarios/study.yaml       many runs that differ in a few things
  plctl scenario show handover.csv                see what a scenario asks for
  sudo plctl link setup                           one link by hand:
  sudo plctl link start handover.csv                emulate it until Ctrl-C
  sudo plctl link exec client ping 192.168.66.2     use it from a second terminal
  sudo plctl link teardown
  sudo plctl doctor                               can this machine do it?

Exit status: 0 all well, 1 something failed or a verdict is not ok, 2 the input is wrong, 130 cancelled.
"""


class Failure(click.ClickException):
    """A `PlctlError` on its way out: a sentence on stderr and the error's own exit status."""

    def __init__(self, error: PlctlError) -> None:
        super().__init__(str(error))
        self.exit_code = error.exit_status  # type: ignore[misc]  # click's own errors set it per instance too

    def show(self, file: IO[Any] | None = None) -> None:  # noqa: ARG002  (click's signature)
        """Print the message; several lines stand indented under the word. Red only on a terminal."""
        lines = self.message.splitlines() or ["(no message)"]
        echo_marked("error:", "red", lines[0] if len(lines) == 1 else "\n  ".join(["", *lines]), err=True)


class RootGroup(HelpGroup):
    """A group whose commands are entry points, imported late."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  (click's signature)
        """Names of all registered commands, `_ORDER` first."""
        return sorted(_registered(), key=lambda name: (_rank(name), name))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return the command, or one that explains which packages are missing; None if unknown."""
        entry_point = _registered().get(cmd_name)
        return _load(entry_point) if entry_point else super().get_command(ctx, cmd_name)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse what stands before the command."""
        try:
            return super().parse_args(ctx, args)
        except KeyboardInterrupt:
            raise click.exceptions.Exit(CANCELLED) from None
        except click.UsageError as error:
            raise Misuse(error, ctx.command_path) from error

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; deliberate errors become `Failure`, Ctrl-C `CANCELLED`, the rest is reported as our bug."""
        try:
            result = super().invoke(ctx)
            sys.stdout.flush()  # where nothing forgives, a closed pipe must be noticed here: click keeps it quiet
            return result
        except PlctlError as error:
            raise Failure(error) from error
        except ModuleNotFoundError as error:
            raise Failure(_missing_extra(f"plctl {ctx.invoked_subcommand}", error)) from error
        except click.UsageError as error:
            raise Misuse(error, f"{ctx.command_path} {ctx.invoked_subcommand or ''}".rstrip()) from error
        except KeyboardInterrupt:
            raise click.exceptions.Exit(CANCELLED) from None


@click.group("plctl", cls=RootGroup, epilog=_EXAMPLES, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, message="plctl %(version)s")
def root() -> None:
    """Emulate end-to-end links whose delay, rate and route change over time, and prove what was emulated."""


def main() -> NoReturn:
    """Entry point of the `plctl` script; always ends the process."""
    streams.forgive()
    if "_PLCTL_COMPLETE" in os.environ:  # a shell asks what could come next
        from plctl.common.cli.completion_shells import teach_click  # noqa: PLC0415

        teach_click()
    try:
        _call()
    except SystemExit as end:
        leave_as(end)
    raise AssertionError("click ends the process")


def _call() -> None:
    try:
        root.main(prog_name="plctl")
    except Exception as error:
        error.add_note(f"This is a bug in plctl {__version__}: please report it with the lines above.")
        raise
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # what was to be done is done; Python would make a traceback of it
        if sentence := streams.loss():
            echo_marked("warning:", "yellow", sentence, err=True)


def _registered() -> dict[str, EntryPoint]:
    return {entry_point.name: entry_point for entry_point in entry_points(group=GROUP)}


def _rank(name: str) -> int:
    return _ORDER.index(name) if name in _ORDER else len(_ORDER)


def _load(entry_point: EntryPoint) -> click.Command:
    try:
        command = entry_point.load()
    except ModuleNotFoundError as error:
        return _stand_in(entry_point.name, _missing_extra(f"plctl {entry_point.name}", error))
    assert isinstance(command, click.Command), f"{entry_point.value} is not a click command"
    return command


def _missing_extra(what: str, error: ModuleNotFoundError) -> UserError:
    """The sentence for a package that only the controller's extra brings.

    :raises ModuleNotFoundError: `error` again, if the module is our own: then it is our bug.
    """
    package = (error.name or "").partition(".")[0]
    if package in ("", "plctl"):
        raise error
    return UserError(f"{what} needs the controller's packages ({package} is missing here): {_INSTALL}")


def _stand_in(name: str, error: UserError) -> click.Command:
    """A command that is listed, takes any arguments and raises `error`."""

    def refuse() -> NoReturn:
        raise error

    return click.Command(
        name,
        callback=refuse,
        short_help=f"(needs the controller's packages: {_INSTALL})",
        add_help_option=False,
        context_settings={"ignore_unknown_options": True, "allow_extra_args": True},
    )
