"""`plctl link`: one link on this machine, by hand, with phantomlink's words."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import get_args

import click

from plctl.agent.commands.link_live import record, set_link
from plctl.agent.commands.link_options import NAME
from plctl.agent.commands.link_socket_stats import socket_stats
from plctl.agent.commands.link_start import start
from plctl.agent.kernel import exec_inside, link_names
from plctl.agent.kernel.etc_files import etc_binds
from plctl.agent.link import hand_link
from plctl.agent.link.hand_link import DEFAULT_NAME, HandLink
from plctl.common.cli.help_group import HelpGroup
from plctl.common.cli.terminal import echo
from plctl.common.host.privilege import require_root
from plctl.common.plan.run_plan import ArpMode, Offload


class _InGivenOrder(HelpGroup):
    """Lists its commands in the order in which they are used."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  (click's signature)
        """As they were added."""
        return list(self.commands)


@click.group(cls=_InGivenOrder)
def link() -> None:
    """Emulate one link on this machine, by hand.

    Three network namespaces: a client, a server, and between them the link, through which every frame goes.

    \b
      sudo plctl link setup                                build the namespaces
      sudo plctl link start handover.csv                   emulate the path until Ctrl-C
    in a second and a third terminal:
      sudo plctl link exec server iperf3 -s
      sudo plctl link exec client iperf3 -c 192.168.66.2
      sudo plctl link exec client -- ping -c 5 fd66::2
      sudo plctl link socket-stats sockets.csv             what becomes of their TCP sockets
      sudo plctl link set --delay 20ms --loss 1%           change the path as it is
      sudo plctl link record -o session.csv                write what was done as a scenario
    and in the end:
      sudo plctl link teardown

    \b
    The client is 192.168.22.2 and fd22::2, the server 192.168.66.2 and fd66::2.
    Several links may stand side by side: give each a name with -n.
    """


@link.command()
@NAME
@click.option("--mtu", type=click.IntRange(1280, 65535), default=1500, show_default=True, help="Of the link, in bytes.")
@click.option(
    "--arp",
    type=click.Choice(get_args(ArpMode)),
    default="static",
    show_default=True,
    help="Whether client and server know each other's MAC, or ask for it over the link; others are asked for.",
)
@click.option(
    "--offload",
    type=click.Choice(get_args(Offload)),
    default="off",
    show_default=True,
    help="Whether super-frames of TCP and UDP cross the link as such, each segment exactly: several times as fast.",
)
def setup(name: str, mtu: int, arp: ArpMode, offload: Offload) -> None:
    """Build the namespaces of a link.

    \b
      sudo plctl link setup
      sudo plctl link setup --offload on
      sudo plctl link setup -n jumbo --mtu 9000
    """
    require_root("plctl link setup")
    from plctl.agent.doctor.examination import require_kernel  # pyroute2 would slow down every other command and --help

    require_kernel()
    names = hand_link.set_up(name, mtu, arp, offload).namespaces
    echo(f"link {name} is set up: {names.client} and {names.server}, with {names.link} between them")
    echo(f"nothing gets through before: plctl link start{_option(name)} SCENARIO")


link.add_command(start)


@link.command("exec", context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@NAME
@click.argument("end", type=click.Choice(["client", "server"]))
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
def execute(name: str, end: str, command: tuple[str, ...]) -> None:
    """Run COMMAND as the client or the server.

    \b
      sudo plctl link exec server iperf3 -s
      sudo plctl link exec client iperf3 -c 192.168.66.2 -t 60
      sudo plctl link exec -n jumbo client -- ping -s 8000 fd66::2
      sudo plctl link exec client bash                     a shell there, for as long as you like

    There, `client` and `server` are names of the two ends, and no name server is asked. Files of your own for /etc go
    into /etc/netns/NAMESPACE, as for `ip netns exec`.

    Everything behind client or server is the command's. It keeps your terminal, gets your signals, and its exit
    status is the exit status: 127 if there is no such command, 126 if it cannot be run.
    """
    require_root("plctl link exec")
    found = hand_link.find(name)
    if command[0] == "--" and not (command := command[1:]):
        raise click.UsageError("Missing argument 'COMMAND...'.")
    netns = found.namespaces.client if end == "client" else found.namespaces.server
    exec_inside.become(command, netns, etc_binds(found.etc, netns))


link.add_command(set_link)
link.add_command(record)
link.add_command(socket_stats)


@link.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def list_links(as_json: bool) -> None:
    """Show the links that are set up.

    \b
      sudo plctl link list
      sudo plctl link list --json | jq '.[] | select(.state == "running") | .pid'
    """
    require_root("plctl link list")
    found = hand_link.find_all()
    if as_json:
        echo(json.dumps([_facts(each) for each in found], indent=2))
        return
    if not found:
        echo("no link is set up; try: plctl link setup")
    for each in found:
        echo(_describe(each))


@link.command()
@NAME
@click.option("--force", is_flag=True, help="Even while it is being emulated: end that first.")
def teardown(name: str, force: bool) -> None:
    """Remove a link; does nothing if there is none.

    \b
      sudo plctl link teardown
      sudo plctl link teardown -n jumbo --force
    """
    require_root("plctl link teardown")
    echo(f"link {name} is torn down" if hand_link.tear_down(name, force=force) else f"link {name} is not set up")


def _option(name: str) -> str:
    """How to name the link in a command."""
    return "" if name == DEFAULT_NAME else f" -n {name}"


_ADDRESSES = {
    "client": [link_names.CLIENT_IPV4, link_names.CLIENT_IPV6],
    "server": [link_names.SERVER_IPV4, link_names.SERVER_IPV6],
}


def _facts(each: HandLink) -> dict[str, object]:
    state, pid = _state(each)
    return {
        "name": each.name,
        "state": state,
        "pid": pid,
        "mtu": each.mtu,
        "offload": each.offload,
        "namespaces": asdict(each.namespaces),
        "addresses": _ADDRESSES,
    }


def _state(each: HandLink) -> tuple[str, int | None]:
    """Its state, and the process that emulates it if one does."""
    user = each.user
    word = "broken" if each.missing else "running" if user else "set up"
    return word, user.pid if user else None


def _describe(each: HandLink) -> str:
    state, pid = _state(each)
    process = f" (process {pid})" if pid else ""
    loss = f", without {', '.join(each.missing)}" if each.missing else ""
    ends = "".join(f"\n  {end}  {', '.join(a)}  in {getattr(each.namespaces, end)}" for end, a in _ADDRESSES.items())
    offload = ", with super-frames" * (each.offload == "on")
    return f"{each.name}: {state}{process}{loss}, MTU {each.mtu}{offload}{ends}"
