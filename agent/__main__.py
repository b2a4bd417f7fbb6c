"""`python -P -m plctl.agent`: the agent as a process of its own, as `plctl run` starts it."""

from plctl.agent.commands.agent import agent
from plctl.common.base.errors import PlctlError
from plctl.common.base.leaving import leave, leave_as
from plctl.common.cli import streams
from plctl.common.cli.terminal import echo

if __name__ == "__main__":
    streams.forgive()
    try:
        agent(prog_name="plctl agent")
    except PlctlError as error:
        echo(str(error), err=True)
        leave(error.exit_status)
    except SystemExit as end:
        leave_as(end)
