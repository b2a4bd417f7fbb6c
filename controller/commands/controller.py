"""`plctl controller`: the daemon that agents and clients connect to, its keys, and those of the people who use it."""

from __future__ import annotations

import asyncio
import getpass
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import TYPE_CHECKING

import click

from plctl.common.base.allocator import give_back_memory
from plctl.common.base.errors import UserError
from plctl.common.cli.help_group import HelpGroup
from plctl.common.cli.keys_option import controller_keys_option
from plctl.common.cli.terminal import echo
from plctl.controller.commands.daemon.backup import backup, restore
from plctl.controller.commands.web.options import WebOrder, opened_web, web_options
from plctl.controller.commands.web.token import token
from plctl.controller.service.arrow_memory import share_allocator

if TYPE_CHECKING:
    from plctl.common.base.log import EventLog
    from plctl.common.transport.hub_and_spoke import HubKeys
    from plctl.controller.service.daemon import Controller
    from plctl.controller.web.server import WebOptions


@click.group(
    cls=HelpGroup,
    invoke_without_command=True,
    epilog="""\b
Examples:
  sudo plctl controller init                               once: make the keys
  sudo plctl controller --runs /srv/runs                   then serve, on TCP port 7777
  plctl controller --listen tcp://127.0.0.1:7801 --keys ./keys --runs ./runs
  plctl controller --http 127.0.0.1:8780                   with the live page
""",
)
@click.option("--listen", "address", default="tcp://*:7777", show_default=True, metavar="ADDRESS",
              help="Where agents and clients connect: tcp://HOST:PORT; * is every address here.")  # fmt: skip
@controller_keys_option
@click.option("--runs", "results", type=click.Path(path_type=Path, file_okay=False), default=Path("runs"),
              show_default=True, help="Where the folders of runs are made.")  # fmt: skip
@click.option("--journal", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
              help="What is kept over a restart; default: controller.sqlite among the runs.")  # fmt: skip
@web_options()
@click.pass_context
def controller(
    ctx: click.Context, *, address: str, folder: Path | None, results: Path, journal: Path | None, web: WebOrder
) -> None:
    """Serve agents and clients until stopped; make keys, and say who may connect.

    Needs no root. Its log is JSON lines on standard error, or, where that is a terminal, words. Runs that go on are
    left to their agents when it leaves, and taken up again, with all that agents had to say meanwhile, when it is
    started again.
    """
    if ctx.invoked_subcommand:
        return
    if not address.startswith("tcp://"):
        raise UserError(f"cannot listen on {address}: agents and clients come over TCP; it is like tcp://*:7777")
    give_back_memory()
    keys = _load_keys(address, folder)
    share_allocator()
    with opened_web(web, folder, "plctl controller --http") as page:
        asyncio.run(_serve(address, keys, results, journal or results / "controller.sqlite", page))


def _load_keys(address: str, folder: Path | None) -> HubKeys:
    from plctl.common.security.allow_list import AllowList
    from plctl.common.security.keys import keys_dir, load_pair, pair_path
    from plctl.common.transport.hub_and_spoke import HubKeys

    folder = folder or keys_dir()
    if not pair_path(folder, "controller").exists():
        remedy = f"make them with: plctl controller init --keys {folder}"
        raise UserError(f"cannot listen on {address} without keys, and there are none in {folder}; {remedy}")
    return HubKeys(load_pair(folder, "controller"), AllowList(folder))


async def _serve(address: str, keys: HubKeys, results: Path, journal_path: Path, page: WebOptions | None) -> None:
    from plctl.common.base.clock import RealClock
    from plctl.common.base.log import JsonLines, make_log
    from plctl.common.host import sd_notify
    from plctl.common.transport.hub_and_spoke import ZmqHub
    from plctl.common.transport.refusals import Refusals
    from plctl.controller.hub.journal import Journal
    from plctl.controller.service import interpreter
    from plctl.controller.service.daemon import Controller
    from plctl.controller.view.log_words import LogInWords

    interpreter.share_often()
    clock = RealClock()
    sink = LogInWords(sys.stderr) if sys.stderr.isatty() else JsonLines(sys.stderr)
    log = make_log(sink, clock, host=keys.pair.name)
    refusals = Refusals(clock, log)
    with closing(Journal(journal_path)) as journal, closing(ZmqHub(address, keys, refusals)) as hub:
        served = Controller(
            hub, clock, keys.pair.name, runs=results.absolute(), journal=journal, refusals=refusals, log=log
        )
        _leave_on_signals(served.stop, log)
        alive = asyncio.create_task(sd_notify.keep_alive())
        log.emit("controller.listening", address=hub.address, runs_folder=str(results.absolute()))
        async with _page(served, page, log):
            sd_notify.notify("READY=1")
            await served.serve()
        sd_notify.notify("STOPPING=1")
        alive.cancel()
        log.emit("controller.left")


@asynccontextmanager
async def _page(served: Controller, options: WebOptions | None, log: EventLog) -> AsyncIterator[None]:
    """Serve the page within the block, if it is to be served."""
    if options is None:
        yield
        return
    from plctl.controller.web.server import serving
    from plctl.controller.web.sources.controller_source import ControllerSource

    def complain(trouble: str) -> None:
        log.emit("page.broke", cause=trouble)

    async with serving(ControllerSource(served, "the controller"), options, complain) as url:
        fingerprint = {"certificate_sha256": options.certificate.fingerprint} if options.certificate else {}
        log.emit("page.serving", url=url, **fingerprint)
        yield


def _leave_on_signals(stop: Callable[[], None], log: EventLog) -> None:
    def leave(number: int) -> None:
        log.emit("controller.leaving", cause=signal.Signals(number).name)
        stop()

    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, leave, number)


@controller.command(
    epilog="""\b
Examples:
  sudo plctl controller init                     keys in /etc/plctl
  plctl controller init --keys ./keys --operator ada
"""
)
@controller_keys_option
@click.option("--operator", default=getpass.getuser, metavar="NAME", help="The first operator; default: you.")
def init(folder: Path | None, operator: str) -> None:
    """Make the controller's key pair, the first operator's, and the list of who may connect."""
    from plctl.common.security.enrolment import init_controller
    from plctl.common.security.keys import keys_dir

    for path in init_controller(folder or keys_dir(), operator):
        echo(path)


@controller.command()
@click.argument("name")
@click.option("--role", type=click.Choice(["operator", "viewer"]), required=True, help="May run, or may only look.")
@click.option("--replace", is_flag=True, help="Make the key that NAME has void.")
@controller_keys_option
def grant(name: str, role: str, replace: bool, folder: Path | None) -> None:
    """Make a key pair for a person and let them in.

    Prints the files that belong in the person's own keys folder (~/.config/plctl). For agents: plctl agent enroll.
    """
    from plctl.common.security.enrolment import enroll
    from plctl.common.security.keys import keys_dir

    for path in enroll(folder or keys_dir(), name, "operator" if role == "operator" else "viewer", replace=replace):
        echo(path)


@controller.command()
@click.argument("name")
@controller_keys_option
def revoke(name: str, folder: Path | None) -> None:
    """Let NAME in no more; a living connection of it is refused from its next message on."""
    from plctl.common.security.allow_list import AllowList
    from plctl.common.security.keys import keys_dir

    AllowList(folder or keys_dir()).remove(name)


controller.add_command(backup)
controller.add_command(restore)
controller.add_command(token)
