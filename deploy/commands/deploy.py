"""`plctl deploy`: agents on hosts, by ssh."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from plctl.common.base.errors import UserError
from plctl.common.cli.terminal import echo
from plctl.deploy.ssh.options import SshOptions, ssh_options

if TYPE_CHECKING:
    from collections.abc import Sequence

    from plctl.deploy.bundle.bundler import Bundler
    from plctl.deploy.hosts.host_deploy import DeployOptions
    from plctl.deploy.hosts.result import HostResult
    from plctl.deploy.inventory.host import Host
    from plctl.deploy.inventory.reader import Inventory
    from plctl.deploy.ssh.remote import Login

_FOLDER = click.Path(path_type=Path, file_okay=False)


@click.command(
    epilog="""\b
Examples:
  plctl deploy -i hosts.yaml --controller tcp://lab-control:7777
  plctl deploy -i hosts.yaml --controller tcp://lab-control:7777 --check
  plctl deploy -i hosts.yaml --controller tcp://lab-control:7777 --limit failed
  plctl deploy -i hosts.yaml --remove --limit 'node*'
  plctl deploy -i login.yaml --controller tcp://lab-control:7777 --engine slurm --nodes 8 --sbatch=--time=120

\b
hosts.yaml:
  defaults: {user: ada, key: ~/.ssh/lab}
  hosts:
    - node[01-20]
    - {name: edge-1, address: 192.0.2.7, port: 2222, jump: gate.example.org, groups: [edge]}
"""
)
@click.option("--controller", "address", metavar="tcp://HOST:PORT",
              help="Where agents find it; default: $PLCTL_CONTROLLER, or as the config file says.")  # fmt: skip
@click.option("--keys", "folder", type=_FOLDER,
              help="The controller's keys folder; default: $PLCTL_KEYS, or as the config file says.")  # fmt: skip
@click.option("--check", is_flag=True, help="Say what would change, and change nothing.")
@click.option("--remove", is_flag=True, help="Take away what deploy put there, and revoke the agents' keys.")
@click.option("--rotate-keys", is_flag=True, help="Give every agent a new key.")
@click.option("--wait", is_flag=True, help="Where a run goes on, wait for its end; else such a host is refused.")
@click.option("--limit", "pattern", metavar="PATTERN",
              help="Only hosts that match: names with *, groups, key=value labels, !not, or: failed.")  # fmt: skip
@click.option("--start-timeout", "start_timeout_s", type=click.IntRange(1, 3600), default=30, show_default=True,
              help="Seconds until the controller must have welcomed an agent.")  # fmt: skip
@click.option("--engine", type=click.Choice(["systemd", "slurm"]), default="systemd", show_default=True,
              help="What keeps agents: each host's systemd, or a Slurm job; then -i names a login node.")  # fmt: skip
@click.option("--nodes", type=click.IntRange(1), default=1, show_default=True, help="With slurm: on so many nodes.")
@click.option("--sbatch", multiple=True, metavar="OPTION", help="With slurm: also for sbatch, e.g. --time=60.")
@click.option("--queue-timeout", "queue_s", type=click.IntRange(1), default=600, show_default=True,
              help="With slurm: seconds that the job may wait in the queue.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print the result as one JSON document, and nothing else.")
@ssh_options
@click.pass_context
def deploy(
    ctx: click.Context,
    *,
    address: str | None,
    folder: Path | None,
    check: bool,
    remove: bool,
    rotate_keys: bool,
    wait: bool,
    pattern: str | None,
    start_timeout_s: int,
    engine: str,
    nodes: int,
    sbatch: tuple[str, ...],
    queue_s: int,
    as_json: bool,
    ssh: SshOptions,
) -> None:
    """Put agents on hosts over ssh, keep them as they should be, or take them away.

    Runs where the controller's keys are. Hosts need ssh, systemd, Python 3.11, and root or sudo; neither internet nor
    compiler. What is as it should be is left alone. Exit status 1: a step failed on a host, which is again what it was.
    """
    from plctl.common.client.config import find_address, find_keys
    from plctl.common.security.keys import load_pair
    from plctl.deploy.bundle.bundler import Bundler
    from plctl.deploy.hosts.host_deploy import DeployOptions
    from plctl.deploy.hosts.last_deploy import remember
    from plctl.deploy.hosts.unit import unit_text

    address = find_address(address)
    if not address and not remove:
        raise UserError("where will the agents find their controller? say --controller tcp://HOST:PORT")
    if address:
        unit_text("plctl", address, "keys")
    folder = folder or find_keys()
    load_pair(folder, "controller")
    inventory, login = ssh.load()
    hosts = _select(inventory, pattern)
    if engine == "slurm":
        from plctl.deploy.slurm.deployment import SlurmOrder, deploy_by_slurm

        _refuse({"--check": check, "--rotate-keys": rotate_keys, "--wait": wait})
        slurm = SlurmOrder(address, folder, nodes, queue_s, sbatch, ssh.wheels, remove)
        deploy_by_slurm(hosts, login, slurm, as_json=as_json)
        return
    order = DeployOptions(address, folder, check, rotate_keys, wait, start_timeout_s)
    results = _work(hosts, login, order, None if remove else Bundler(wheels=ssh.wheels), ssh.parallel, quiet=as_json)
    if not check:
        remember(inventory.file, results)
    _report(results, as_json)
    ctx.exit(1 if any(result.outcome == "failed" for result in results) else 0)


def _refuse(options: dict[str, bool]) -> None:
    """Refuse those that were given: they mean nothing to a Slurm job, which is made anew or ended."""
    if given := [name for name, value in options.items() if value]:
        raise UserError(f"{given[0]} goes with --engine systemd only")


def _select(inventory: Inventory, pattern: str | None) -> Sequence[Host]:
    from plctl.deploy.hosts.last_deploy import failed_hosts

    if pattern is None:
        return inventory.hosts
    if pattern == "failed":
        failed = failed_hosts(inventory.file)
        return tuple(host for host in inventory.hosts if host.name in failed)
    return inventory.select(pattern)


def _work(
    hosts: Sequence[Host], login: Login, order: DeployOptions, bundler: Bundler | None, parallel: int, *, quiet: bool
) -> list[HostResult]:
    import asyncio

    from plctl.controller.view.screen import stderr_screen
    from plctl.deploy.hosts import deployment
    from plctl.deploy.hosts.view import DeployView

    with DeployView(stderr_screen(quiet=quiet), hosts) as view:
        if bundler is None:
            return asyncio.run(deployment.remove(hosts, login, order, parallel=parallel, tell=view.tell))
        return asyncio.run(deployment.deploy(hosts, login, order, bundler, parallel=parallel, tell=view.tell))


def _report(results: Sequence[HostResult], as_json: bool) -> None:
    from plctl.controller.view.screen import stdout_screen
    from plctl.deploy.hosts import view

    if as_json:
        echo(json.dumps([result.document() for result in results], indent=1))
    else:
        view.show_changes(stdout_screen(), results)
        echo(view.summary(results))
