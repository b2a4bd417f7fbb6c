"""`plctl lab`: a whole testbed on one machine, by hand."""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import click

from plctl.common.base.units import NS_PER_S
from plctl.common.cli.help_group import HelpGroup
from plctl.common.cli.terminal import echo
from plctl.common.host.privilege import require_root

if TYPE_CHECKING:
    from plctl.agent.lab.design import AccessLink
    from plctl.agent.lab.lab import Lab, LabHost

_NAME = click.option("--name", default="lab", show_default=True, help="The name of the lab.")
_DELAY = "[HOST=]TIME[±TIME]"


@click.group(cls=HelpGroup)
def lab() -> None:
    """Many hosts on this one machine, to try out a cluster before there is one.

    Each host has a network, processes, a name, a monotonic clock and a plctl state folder of its own. They are called
    h1, h2, … and reach each other by name, as they reach the two that come with them: controller and workstation.

    \b
      sudo plctl lab up 4 --delay 5ms
      sudo plctl lab exec h1 -- ping -c 3 h2
      sudo plctl lab exec h1 -- plctl run handover.csv
      sudo plctl lab exec workstation -- bash          a shell there, for as long as you like
      sudo plctl lab down
      sudo plctl lab up 4 --serve                      controller, agents and a shell there, in one

    Nothing of this machine's own network is touched or used.
    """


@lab.command()
@_NAME
@click.argument("count", metavar="N", type=click.IntRange(1, 200))
@click.option("--delay", metavar=_DELAY, multiple=True, help="One-way delay of hosts from and to the switch.")
@click.option("--delay-up", metavar=_DELAY, multiple=True, help="The same, of what they send only.")
@click.option("--delay-down", metavar=_DELAY, multiple=True, help="The same, of what they receive only.")
@click.option("--seed", type=int, help="Decides the clocks and how delays vary. Default: random.")
@click.option("--serve", is_flag=True,
              help="Start a controller, agents and a shell; its end takes the lab down.")  # fmt: skip
@click.pass_context
def up(
    ctx: click.Context, *, name: str, count: int, delay: tuple[str, ...],
    delay_up: tuple[str, ...], delay_down: tuple[str, ...],
    seed: int | None, serve: bool,
) -> None:  # fmt: skip
    """Bring up a lab of N hosts.

    \b
      sudo plctl lab up 4
      sudo plctl lab up 4 --delay 5ms --delay h4=60ms    every host 5 ms from the switch, but h4
      sudo plctl lab up 4 --delay 5ms±2ms                something between 3 and 7 ms, drawn every 10 ms
      sudo plctl lab up 4 --delay-up 20ms --delay-down 2ms
      sudo plctl lab up 4 --serve                        a cluster that is ready, and a shell to use it

    The delay lies between a host and the switch, so two hosts are twice as far from each other. The controller and the
    workstation are at no distance from the switch unless they are named. Delays for a host count more than those for
    all, those for a direction more than those for both.
    """
    require_root("plctl lab up")
    from plctl.agent.lab.accesses import resolve_accesses
    from plctl.agent.lab.lab import Lab

    accesses = resolve_accesses(count, both=delay, up=delay_up, down=delay_down)
    built = Lab.up(name, count, accesses=accesses, seed=seed)
    echo(f"lab {name} is up, seed {built.design.seed}")
    for host in built.hosts:
        echo(_describe(host))
    if serve:
        ctx.exit(_serve(built))


def _serve(built: Lab) -> int:
    """Have a controller and agents until the shell on the workstation ends; its exit status. The lab is gone then."""
    from plctl.agent.lab.lab import take_down
    from plctl.agent.lab.serving import ADDRESS, serving, use

    shell = os.environ.get("SHELL", "/bin/bash")
    try:
        with TemporaryDirectory(prefix="plctl-lab-") as folder, serving(built, Path(folder)) as env:
            echo(f"controller at {ADDRESS}, an agent on each host; their keys and logs are in {folder}")
            echo("this shell is the workstation's, for which they are ready; its end takes all of it down. Next:")
            echo("  plctl agents\n  plctl run SCENARIO --plan")
            return use(built.host("workstation"), shell, os.environ | env)
    finally:
        take_down(built.name)
        echo(f"lab {built.name} is down")


@lab.command("exec", context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@_NAME
@click.argument("host")
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
def execute(name: str, host: str, command: tuple[str, ...]) -> None:
    """Run COMMAND on HOST of a lab.

    \b
      sudo plctl lab exec h1 -- plctl doctor
      sudo plctl lab exec controller -- bash

    Everything behind HOST is the command's. It keeps your terminal, working folder and environment, gets your signals,
    and its exit status is the exit status: 127 if there is no such command, 126 if it cannot be run.
    """
    require_root("plctl lab exec")
    from plctl.agent.lab import enter
    from plctl.agent.lab.lab import Lab

    found = Lab.find(name)
    if command[0] == "--" and not (command := command[1:]):
        raise click.UsageError("Missing argument 'COMMAND...'.")
    enter.become(found.folder, found.host(host).name, command)


@lab.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def list_labs(as_json: bool) -> None:
    """Show the labs that are up.

    \b
      sudo plctl lab list
      sudo plctl lab list --json | jq '.[].hosts[] | {name, ipv4}'
    """
    require_root("plctl lab list")
    from plctl.agent.lab.lab import Lab

    found = Lab.find_all()
    if as_json:
        echo(json.dumps([_lab_facts(each) for each in found], indent=2))
        return
    if not found:
        echo("no lab is up; try: plctl lab up 4")
    for each in found:
        echo(f"{each.name}: {f'broken, {each.trouble}' if each.trouble else 'up'}, seed {each.design.seed}")
        for host in each.hosts:
            echo(_describe(host))


@lab.command()
@_NAME
def down(name: str) -> None:
    """Remove a lab and end all that runs on its hosts; does nothing if there is none."""
    require_root("plctl lab down")
    from plctl.agent.lab.lab import take_down

    echo(f"lab {name} is down" if take_down(name) else f"lab {name} is not up")


def _describe(host: LabHost) -> str:
    state = "" if host.is_alive else "  dead"
    far = f"  delay {_delay_words(host.design.access)}" if host.design.access else ""
    clock = f"clock {host.monotonic_offset_ns / NS_PER_S:+.3f} s"
    return f"  {host.name:<12}{host.design.ipv4:<13}{host.design.ipv6:<10}{clock}{far}{state}"


def _delay_words(access: AccessLink) -> str:
    return f"{access.up}" if access.up == access.down else f"{access.up} up, {access.down} down"


def _lab_facts(each: Lab) -> dict[str, object]:
    hosts = [_host_facts(host) for host in each.hosts]
    return {"name": each.name, "seed": each.design.seed, "trouble": each.trouble, "hosts": hosts}


def _host_facts(host: LabHost) -> dict[str, object]:
    design = host.design
    return {
        "name": host.name,
        "alive": host.is_alive,
        "pid": host.holder.pid,
        "ipv4": design.ipv4,
        "ipv6": design.ipv6,
        "monotonic_offset_ns": design.monotonic_offset_ns,
        "boottime_offset_ns": design.boottime_offset_ns,
        "delay_up": asdict(design.access.up),
        "delay_down": asdict(design.access.down),
        "netns": design.netns,
        "state_folder": str(host.state_folder),
    }
