"""`plctl agent status`: how the agents of this host are."""

from __future__ import annotations

import click

from plctl.common.cli.terminal import echo
from plctl.common.host.privilege import require_root


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document: a list of agents.")
@click.pass_context
def status(ctx: click.Context, as_json: bool) -> None:
    """How is this host's agent? Exit status 1 if there is none or none serves a controller."""
    import json
    from dataclasses import asdict

    from plctl.agent.service.local_status import read_statuses

    require_root("plctl agent status")
    found = read_statuses()
    if as_json:
        echo(json.dumps([asdict(agent) for agent in found], indent=2))
    elif not found:
        echo("no agent runs here")
    else:
        for agent in found:
            state = "serving" if agent.serving else "waiting for its controller"
            runs = f", runs: {', '.join(agent.runs)}" if agent.runs else ", no runs"
            echo(f"{agent.name} (plctl {agent.version}, pid {agent.pid}): {state}{runs}")
    ctx.exit(0 if any(agent.serving for agent in found) else 1)
