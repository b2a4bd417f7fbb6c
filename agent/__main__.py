"""`python -P -m plctl.agent`: the agent as a process of its own, as `plctl run` starts it."""

from plctl.common.base.keeping_out import keep_out, parts_only


def _main() -> None:
    keep_out("rich")
    parts_only("pyroute2")
    from plctl.agent.commands.agent import agent  # noqa: PLC0415  # what it imports is to do without, too
    from plctl.common.base.errors import PlctlError  # noqa: PLC0415  # likewise
    from plctl.common.base.leaving import leave, leave_as  # noqa: PLC0415  # likewise
    from plctl.common.cli import streams  # noqa: PLC0415  # likewise
    from plctl.common.cli.terminal import echo  # noqa: PLC0415  # likewise

    streams.forgive()
    try:
        agent(prog_name="plctl agent")
    except PlctlError as error:
        echo(str(error), err=True)
        leave(error.exit_status)
    except SystemExit as end:
        leave_as(end)


if __name__ == "__main__":
    _main()
