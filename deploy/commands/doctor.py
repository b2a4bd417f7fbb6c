"""`plctl doctor`: can machines run links? This one, by the agent's own command; others, over ssh."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from plctl.common.cli.terminal import echo
from plctl.deploy.ssh.options import SshOptions, ssh_options

if TYPE_CHECKING:
    from collections.abc import Sequence


@click.command(
    epilog="""\b
Examples:
  sudo plctl doctor                          this machine
  plctl doctor -i hosts.yaml node01 edge-1   others, as root or by sudo there
  plctl doctor -i hosts.yaml 'node*' --json
"""
)
@click.argument("hosts", nargs=-1, metavar="[HOST...]")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document: the host's facts and all findings.")
@click.option("--brief", is_flag=True, help="Print only what makes links impossible, one sentence each.")
@ssh_options
@click.pass_context
def doctor(ctx: click.Context, *, hosts: tuple[str, ...], as_json: bool, brief: bool, ssh: SshOptions) -> None:
    """Can this machine run links, and how well? And can each HOST of an inventory?

    Tries what links need of the kernel in namespaces that vanish again, and changes nothing on the host.
    ✓ is well, ! works but could be better, ✗ makes links impossible; each says what to do. Exit status 1 with any ✗.
    """
    from plctl.agent.commands.doctor import doctor as here

    if not hosts and ssh.path is None:
        ctx.invoke(here, as_json=as_json, brief=brief)
        return
    documents = _ask(hosts, ssh)
    if as_json:
        echo(json.dumps(documents, indent=2))
    else:
        for name, document in documents.items():
            _show(name, document, brief)
    ctx.exit(0 if all(document.get("usable") for document in documents.values()) else 1)


def _ask(patterns: Sequence[str], ssh: SshOptions) -> dict[str, dict[str, Any]]:
    """The document of each host, by name: the doctor's, or why there is none under ``error``."""
    import asyncio

    from plctl.deploy.bundle.bundler import Bundler
    from plctl.deploy.hosts.deployment import examine

    inventory, login = ssh.load()
    chosen = inventory.select(",".join(patterns)) if patterns else inventory.hosts
    return asyncio.run(examine(chosen, login, Bundler(wheels=ssh.wheels), parallel=ssh.parallel))


def _show(name: str, document: dict[str, Any], brief: bool) -> None:
    from plctl.agent.commands.doctor import print_all, print_failures
    from plctl.agent.doctor.finding import Finding, Level

    if "error" in document:
        echo(f"{name}: {document['error']}")
        return
    findings = [Finding(**{**finding, "level": Level(finding["level"])}) for finding in document["findings"]]
    if brief and document["usable"]:
        return
    echo(f"{name}:")
    (print_failures if brief else print_all)(findings)
