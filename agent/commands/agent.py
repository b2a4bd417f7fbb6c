"""`plctl agent`: serve a controller on this host."""

from __future__ import annotations

import asyncio
import os
import pwd
import signal
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from plctl.agent.commands.enroll import enroll
from plctl.agent.commands.status import status
from plctl.common.base.allocator import give_back_memory
from plctl.common.base.errors import UserError
from plctl.common.cli.forwarder_options import forwarder_options
from plctl.common.cli.help_group import HelpGroup
from plctl.common.cli.terminal import echo
from plctl.common.host.privilege import require_root
from plctl.common.plan.forwarder_options import ForwarderOptions

if TYPE_CHECKING:
    from plctl.agent.run.host_site import HostSite
    from plctl.agent.service.exposition import Exposition
    from plctl.common.security.keys import SpokeKeys

#: What an agent tells its parent once it knows.
_CAN = "this host can carry links"


@click.group(
    cls=HelpGroup,
    invoke_without_command=True,
    epilog="""\b
Examples:
  sudo plctl agent --controller tcp://lab-control:7777 --keys /etc/plctl
  sudo plctl agent --controller ipc:///run/plctl/run-7f3a/control --name edge-1
  sudo plctl agent --controller tcp://lab-control:7777 --metrics 9101
  plctl agent --controller tcp://127.0.0.1:7777 --simulate 10 --agents 100 --name sim --keys ./keys/enrolled
""",
)
@click.option("--controller", "address", metavar="ADDRESS", help="Where the controller listens: tcp://HOST:PORT.")
@click.option(
    "--keys",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    help="For tcp://: the folder of this agent's keys; default: $PLCTL_KEYS, or /etc/plctl. With --simulate: the folder"
    " that has a folder of keys for each agent.",
)
@click.option("--name", help="What to be called; default: as the key says, without one the host's name.")
@click.option("--leave-with-stdin", is_flag=True, help="Take everything away and end when standard input ends.")
@click.option("--begin-with-stdin", is_flag=True,
              help="Get ready and make nothing until a line of standard input says where the controller is; then as"
              " --leave-with-stdin.")  # fmt: skip
@click.option("--simulate", "links", type=click.IntRange(1, 4096), metavar="LINKS",
              help="Build nothing, make telemetry up, with room for LINKS links: to try a controller.")  # fmt: skip
@click.option("--agents", type=click.IntRange(1, 10_000), default=1, show_default=True, metavar="N",
              help="With --simulate: be N agents, called NAME-0 to NAME-(N-1).")  # fmt: skip
@click.option("--workload-user", metavar="ACCOUNT", default="", envvar="PLCTL_WORKLOAD_USER", show_envvar=True,
              help="Who programs of runs are that name no account with `user:`; by default root.")  # fmt: skip
@click.option("--metrics", metavar="ADDRESS",
              help="Let Prometheus scrape this agent at HOST:PORT, or at a port of 127.0.0.1; whoever can connect there"
              " may read it.")  # fmt: skip
@forwarder_options
@click.pass_context
def agent(  # noqa: PLR0917  (click calls it by keyword)
    ctx: click.Context,
    address: str | None,
    folder: Path | None,
    name: str | None,
    leave_with_stdin: bool,
    begin_with_stdin: bool,
    links: int | None,
    agents: int,
    workload_user: str,
    metrics: str | None,
    forwarder: ForwarderOptions,
) -> None:
    """Serve a controller on this host: build its links, start them when told, report, and clean up."""
    if ctx.invoked_subcommand:
        return
    give_back_memory()
    if begin_with_stdin:
        _begin_with_stdin(name or os.uname().nodename, forwarder, workload_user)
        return
    if address is None:
        raise UserError("where is the controller? say --controller tcp://HOST:PORT")
    if links is not None:
        names = [f"{name or 'sim'}-{number}" for number in range(agents)]
        _simulate(address, names, links, folder, leave_with_stdin)
        return
    if agents > 1:
        raise UserError("a host has one agent; --agents is for --simulate")
    keys = _load_keys(folder) if address.startswith("tcp://") else None
    require_root("plctl agent")
    name = name or (keys.pair.name if keys else os.uname().nodename.partition(".")[0])
    _require_account(workload_user)
    with _scraped(metrics) as exposition:
        _serve_controller(
            address, name, keys, forwarder, workload_user, with_stdin=leave_with_stdin, exposition=exposition
        )


agent.add_command(enroll)
agent.add_command(status)


def _load_keys(folder: Path | None) -> SpokeKeys:
    from plctl.common.security.keys import SpokeKeys, keys_dir, load_controller_public, load_pair

    folder = folder or keys_dir()
    return SpokeKeys(load_pair(folder, "agent"), load_controller_public(folder))


def _require_account(name: str) -> None:
    if name:
        try:
            pwd.getpwnam(name)
        except KeyError:
            remedy = f"make it, e.g. with: useradd --system {name}"
            raise UserError(f"--workload-user: there is no account {name!r} on this host; {remedy}") from None


def _serve_controller(
    address: str,
    name: str,
    keys: SpokeKeys | None,
    forwarder: ForwarderOptions,
    workload_user: str,
    *,
    with_stdin: bool,
    exposition: Exposition | None,
) -> None:
    from plctl.agent.doctor.examination import require_kernel
    from plctl.agent.run.host_site import HostSite

    require_kernel()
    if with_stdin:
        echo(_CAN)
    site = HostSite(forwarder, workload_user=workload_user)
    asyncio.run(_serve(address, name, keys, site, with_stdin=with_stdin, exposition=exposition))


@contextmanager
def _scraped(address: str | None) -> Iterator[Exposition | None]:
    """What Prometheus scrapes at `address` within the block; None: nothing."""
    if address is None:
        yield None
        return
    from plctl.common.base.http_address import parse_http_address

    place = parse_http_address(address, "metrics")
    try:
        from plctl.agent.service.exposition import Exposition
    except ModuleNotFoundError as error:
        if error.name != "prometheus_client":
            raise
        raise UserError(
            "--metrics needs prometheus_client, which is not installed; pip install 'plctl[metrics]'"
        ) from None
    with Exposition(place) as exposition:
        yield exposition


def _begin_with_stdin(name: str, forwarder: ForwarderOptions, workload_user: str) -> None:
    """Have everything ready but what would have to be taken away, then serve the controller that is told of."""
    require_root("plctl agent")
    _require_account(workload_user)
    from plctl.agent.doctor.examination import require_kernel
    from plctl.agent.doctor.kernel_trial import Trial

    trial = Trial()  # goes on while the rest is imported
    from plctl.agent.run.host_site import HostSite
    from plctl.agent.service import daemon  # noqa: F401  # `_serve` needs it
    from plctl.common.transport import hub_and_spoke  # noqa: F401

    require_kernel(trial.steps)
    echo(_CAN)
    sys.stdout.flush()
    if address := _read_line(sys.stdin.fileno()):
        site = HostSite(forwarder, at_once=True, workload_user=workload_user)
        asyncio.run(_serve(address, name, None, site, with_stdin=True))


def _read_line(number: int) -> str:
    """The line that comes from the file descriptor `number`, of which nothing more is read; empty if it ends first."""
    line = b""
    while not line.endswith(b"\n"):
        if not (byte := os.read(number, 1)):
            return ""
        line += byte
    return line.decode().strip()


async def _serve(
    address: str,
    name: str,
    keys: SpokeKeys | None,
    site: HostSite,
    *,
    with_stdin: bool,
    exposition: Exposition | None = None,
) -> None:
    from plctl.agent.ownership import open_files
    from plctl.agent.service.daemon import Agent
    from plctl.common.base.clock import RealClock
    from plctl.common.base.threads import start_loop_threads
    from plctl.common.transport.hub_and_spoke import ZmqSpoke

    open_files.raise_limit()
    start_loop_threads()
    spoke = ZmqSpoke(address, name, keys, _tell_trouble)
    try:
        tell_change = _tell_nobody if with_stdin else _tell_change  # the parent has a log of the runs
        served = Agent(name, spoke, RealClock(), site, _tell_notice, tell_change=tell_change)
        _stop_when_told(served.stop, with_stdin)
        if exposition:
            exposition.show(served.figures)
        await served.serve()
    finally:
        spoke.close()


def _simulate(address: str, names: list[str], links: int, folder: Path | None, leave_with_stdin: bool) -> None:
    from plctl.agent.simulated.many_agents import Simulation, load_keys
    from plctl.common.security.keys import keys_dir

    keys: Mapping[str, SpokeKeys | None] = dict.fromkeys(names)
    if address.startswith("tcp://"):
        keys = load_keys(folder or keys_dir(), names)

    async def serve() -> None:
        simulation = Simulation(address, keys, links, _tell_trouble)
        _stop_when_told(simulation.stop, leave_with_stdin)
        await simulation.serve()

    asyncio.run(serve())


def _tell_trouble(cause: str) -> None:
    echo(f"{cause}; trying again", err=True)


def _tell_change(change: str) -> None:
    echo(change, err=True)


def _tell_nobody(_: str) -> None:
    pass


def _tell_notice(notice: str) -> None:
    echo(f"the controller says: {notice}", err=True)


def _stop_when_told(stop: Callable[[], None], leave_with_stdin: bool) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop)
    if leave_with_stdin:
        loop.add_reader(sys.stdin.fileno(), _stop_at_end_of_stdin, stop)


def _stop_at_end_of_stdin(stop: Callable[[], None]) -> None:
    """Whoever started this agent holds the other end of its standard input; when that goes, so does the agent."""
    if not os.read(sys.stdin.fileno(), 4096):
        asyncio.get_running_loop().remove_reader(sys.stdin.fileno())
        stop()
