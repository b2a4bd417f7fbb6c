"""`plctl deploy --engine slurm`: engine.py, on a login node that is reached by ssh."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from plctl.common import __version__
from plctl.common.base.errors import UserError
from plctl.common.cli.terminal import echo
from plctl.common.security.allow_list import AllowList
from plctl.common.security.keys import load_controller_public
from plctl.deploy.bundle.bundler import Bundler, Target
from plctl.deploy.inventory.host import Host
from plctl.deploy.slurm.engine import SlurmEngine
from plctl.deploy.slurm.job import Wish
from plctl.deploy.ssh.remote import Login, Remote


@dataclass(frozen=True, slots=True)
class SlurmOrder:
    """What the user wants of the cluster."""

    controller: str  #: address, as nodes reach it
    keys: Path  #: the controller's keys folder
    nodes: int
    queue_s: float  #: that the job may wait for them
    sbatch: tuple[str, ...]  #: more options for it
    wheels: tuple[Path, ...]  #: of plctl, the user's
    remove: bool = False


def deploy_by_slurm(hosts: Sequence[Host], login: Login, order: SlurmOrder, *, as_json: bool) -> None:
    """Do what `order` says on the cluster whose login node is the one of `hosts`, and print what was done.

    :raises UserError: there is not one host, or another job of ours runs.
    :raises WorldError: a step failed; nothing of it is left.
    """
    if len(hosts) != 1:
        names = ", ".join(host.name for host in hosts)
        raise UserError(f"Slurm is told on one login node, and there are {len(hosts)} ({names}); choose by --limit")
    said: list[str] = []

    def say(text: str) -> None:
        said.append(text)
        if not as_json:
            echo(text)

    agents = asyncio.run(_work(Remote(hosts[0], login), order, say=say))
    if as_json:
        echo(json.dumps({"said": said, "agents": agents}, indent=1))


async def _work(login: Remote, order: SlurmOrder, *, say: Callable[[str], None]) -> list[str]:
    """The names of the agents that were started."""
    await login.connect()
    try:
        engine = SlurmEngine(login, AllowList(order.keys), say)
        if order.remove:
            for text in await engine.remove() or ["nothing of ours is there"]:
                say(text)
            return []
        public = load_controller_public(order.keys)
        wish = Wish(order.nodes, order.controller, public, __version__, order.sbatch, order.queue_s)
        bundler = Bundler(wheels=order.wheels)
        return await engine.start(wish, lambda python, machine: bundler.make(Target(python, machine)).path.read_bytes())
    finally:
        await login.close()
