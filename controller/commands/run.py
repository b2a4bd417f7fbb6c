"""`plctl run`: emulate, follow, judge, and leave a folder of results; on this machine or on a controller's hosts."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from plctl.common.base.errors import UserError
from plctl.common.cli.forwarder_options import forwarder_options
from plctl.common.cli.options import positive_duration_ns
from plctl.common.cli.reading_options import reading_options
from plctl.common.cli.start import CANCELLED
from plctl.common.cli.terminal import echo, warn
from plctl.common.client.options import Reach, controller_options
from plctl.common.host.privilege import missing_capabilities, require_root
from plctl.common.plan.forwarder_options import ForwarderOptions
from plctl.controller.commands.bare_options import bare_options
from plctl.controller.commands.run_options import read_capture
from plctl.controller.commands.web.options import WebOrder, opened_web, web_options

if TYPE_CHECKING:
    from plctl.common.client.config import ControllerAccess
    from plctl.common.plan.run_request import RunRequest
    from plctl.common.protocol.requests import PlacementPolicy
    from plctl.common.scenario.readers.read_as import ReadAs
    from plctl.controller.launch.follow_options import FollowOptions
    from plctl.controller.launch.local_agent import LocalAgent
    from plctl.controller.launch.remote_run import Detached, FollowOutcome
    from plctl.controller.results.run_record import RunRecord
    from plctl.controller.spec.bare_run import BareLink
    from plctl.controller.view.foreground import Foreground
    from plctl.controller.web.server import WebOptions


@click.command(
    context_settings={"ignore_unknown_options": False},
    epilog="""\b
Examples:
  sudo plctl run scenarios/quickstart.yaml         a run spec
  sudo plctl run handover.csv --duration 30s       a bare scenario: one link, watch it or use it
  sudo plctl run handover.csv -- ping 192.168.66.2 your own command, in the client's namespace
  sudo plctl run runs/20261123-041530-handover-7f3a again what that run was asked
  sudo plctl run handover.csv --queue 0.5bdp --budget lateness=5ms -- ping 192.168.66.2
  sudo plctl run handover.csv --loss 1% --jitter 5ms --queue codel -- iperf3 -c 192.168.66.2
  sudo plctl run handover.csv --http 127.0.0.1:8780 watch it in a browser
  sudo plctl run bw_7.txt --also delay_7.txt -- iperf3 -c 192.168.66.2
                                                   the files of another tool, as they are
  sudo plctl run handover.csv --capture 128B -- ping 192.168.66.2
                                                   for Wireshark: plctl packets last --all --pcapng FILE
\b
With a controller, which needs no root here:
  plctl run study.yaml --plan                      where its links would go; changes nothing
  plctl run study.yaml                             Ctrl-C leaves it alone; plctl show --follow comes back
  plctl run study.yaml --detach
  sudo plctl run study.yaml --local                here all the same
""",
)
@click.argument("spec", type=click.Path(path_type=Path), metavar="SPEC|SCENARIO|RUN")
@click.argument("command", nargs=-1, metavar="[-- CMD...]")
@click.option("--duration", "duration_ns", type=positive_duration_ns, metavar="TIME",
              help="End this long after T0, e.g. 30s; default: as the spec says.")  # fmt: skip
@click.option("--seed", type=click.IntRange(0, 2**63 - 1), help="The seed, instead of the spec's.")
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), default=Path("runs"), show_default=True,
              help="Where the run's folder is made, or copied to.")  # fmt: skip
@click.option("--name", default="", help="The name of the run, instead of the spec's.")
@click.option("--packets", is_flag=True, help="Log every packet of every link; see plctl packets.")
@click.option("--capture", "capture_bytes", type=read_capture, metavar="SIZE", default=0,
              help="With the first bytes of each packet, e.g. 128B, for Wireshark.")  # fmt: skip
@reading_options
@click.option("--plan", "plan_only", is_flag=True, help="Only show where links would go and what they need.")
@click.option("--policy", type=click.Choice(["spread", "pack"]), default="spread", show_default=True,
              help="With a controller: use as many hosts as possible, or as few.")  # fmt: skip
@click.option("--force", is_flag=True, help="With a controller: use hosts even if links ask too much of them.")
@click.option("--wait/--no-wait", default=True, show_default=True,
              help="With a controller: wait in its queue while hosts are taken, or be refused.")  # fmt: skip
@click.option("--label", "labels", multiple=True, metavar="KEY=VALUE",
              help="A label that the run gets; may be given again.")  # fmt: skip
@click.option("--detach", is_flag=True, help="With a controller: do not wait; plctl show RUN --follow comes back.")
@click.option("--fetch/--no-fetch", default=True, show_default=True,
              help="With a controller: copy the results here in the end, or leave them for plctl fetch.")  # fmt: skip
@click.option("--report/--no-report", default=True, show_default=True,
              help="On this machine: draw report.html in the end, or leave it for plctl report.")  # fmt: skip
@click.option("--quiet", "-q", is_flag=True,
              help="Say nothing but what is wrong; a program behind -- is heard alone.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print the result as one JSON document, and nothing else.")
@controller_options(local="Run on this machine, though there is a controller.")
@bare_options
@forwarder_options
@web_options()
@click.pass_context
def run(
    ctx: click.Context,
    *,
    spec: Path,
    command: tuple[str, ...],
    duration_ns: int | None,
    seed: int | None,
    out: Path,
    name: str,
    packets: bool,
    capture_bytes: int,
    also: tuple[str, ...],
    reading: ReadAs,
    plan_only: bool,
    policy: PlacementPolicy,
    force: bool,
    wait: bool,
    labels: tuple[str, ...],
    detach: bool,
    fetch: bool,
    report: bool,
    quiet: bool,
    as_json: bool,
    reach: Reach,
    bare: BareLink,
    forwarder: ForwarderOptions,
    web: WebOrder,
) -> None:
    """Run SPEC (or one link with SCENARIO, or again what the folder RUN was), and write the results to a folder.

    On this machine, or, if there is a controller, on its hosts; then the results are copied here in the end.

    Exit status: 0 every link is ok; 1 a verdict is not ok; 2 the input is wrong; 130 cancelled, or no longer followed.
    """
    from plctl.controller.launch.follow_options import FollowOptions

    access = reach.find()
    order = FollowOptions(policy, force, wait, detach, out if fetch else None)
    _require_sense(access, order, forwarder, report=report)
    if web.address and (access or plan_only):
        raise UserError("--http shows a run of this machine; a controller serves its page: plctl controller --http")
    instead = {
        "duration_ns": duration_ns or 0,
        "seed": seed,
        "name": name,
        "packets": packets,
        "capture_bytes": capture_bytes,
    }
    read = partial(_read, spec, _Bare(command, also, reading, bare), instead, _read_labels(labels))
    shown = _Shown(as_json, quiet, bool(command), report)
    if plan_only:
        _plan(read(), access, order, as_json)
    elif access:
        ctx.exit(_run_remotely(read(), access, order, shown))
    else:
        with opened_web(web, None, "plctl run --http") as page:
            ctx.exit(_run_locally(read, out, forwarder, replace(shown, page=page)))


def _require_sense(
    access: ControllerAccess | None, order: FollowOptions, forwarder: ForwarderOptions, *, report: bool
) -> None:
    """Return unless something was said that goes with the other kind of run only."""
    if access is None and order != type(order)(fetch_to=order.fetch_to):
        raise UserError(
            "--policy, --force, --no-wait and --detach are for runs of a controller, and there is none;"
            " see --controller"
        )
    if access and forwarder != ForwarderOptions():
        raise UserError("how a forwarder runs is said to plctl agent on each host, or to a run with --local")
    if access and not report:
        raise UserError("a controller draws every report itself; --no-report is for runs with --local")


@dataclass(frozen=True, slots=True)
class _Bare:
    """What was said that goes with a bare scenario only."""

    command: tuple[str, ...]
    also: tuple[str, ...]
    reading: ReadAs
    link: BareLink


def _read(path: Path, bare: _Bare, instead: dict[str, Any], labels: dict[str, str]) -> RunRequest:
    """What the spec, scenario or run at `path` asks for; `instead` takes the place of what it says, `labels` add."""
    request = _load(path, bare, instead)
    for warning in request.warnings:
        warn(warning)
    return replace(request, labels=request.labels | labels)


def _load(path: Path, bare: _Bare, instead: dict[str, Any]) -> RunRequest:
    from plctl.common.scenario.readers.read_as import AS_IT_IS
    from plctl.controller.launch.again import is_run, request_again
    from plctl.controller.spec.bare_run import AS_A_SPEC_DOES
    from plctl.controller.spec.run_spec import load_run

    if not is_run(path):
        return load_run(path, command=bare.command, also=bare.also, reading=bare.reading, bare=bare.link, **instead)
    if bare != _Bare((), (), AS_IT_IS, AS_A_SPEC_DOES):
        raise UserError(
            f"{path} is a run's folder: what ran in it runs again as it was. A command, and how a scenario is read or"
            " its link is set up, go with a scenario; its files are in its folder sources"
        )
    return request_again(path, **instead)


@dataclass(frozen=True, slots=True)
class _Shown:
    """What is to be seen of the run."""

    as_json: bool
    quiet: bool
    has_program: bool  #: whose output comes through
    report: bool  #: as a page, too
    page: WebOptions | None = None  #: how the live page is served

    def foreground(self, request: RunRequest) -> Foreground | None:
        """What passes the output of the run's one program on, if that is to be seen."""
        from plctl.controller.view.foreground import Foreground

        if self.as_json or not self.has_program:
            return None
        plan = request.links[0].plan
        return Foreground(plan.name, plan.workloads[0].name)


def _read_labels(given: tuple[str, ...]) -> dict[str, str]:
    pairs = [each.partition("=") for each in given]
    if wrong := [key + equals for key, equals, value in pairs if not (key and value)]:
        raise UserError(f"--label {wrong[0]!r} is no label; legal is KEY=VALUE, e.g. --label cc=bbr")
    return {key: value for key, _, value in pairs}


def _run_locally(read: Callable[[], RunRequest], out: Path, forwarder: ForwarderOptions, shown: _Shown) -> int:
    """Run here what `read` returns; the agent gets ready meanwhile, and makes nothing before."""
    from plctl.controller.launch.local_agent import LOCAL_HOST, LocalAgent

    if missing_capabilities():
        read()  # what is wrong with the input is wrong for root, too
        require_root("plctl run")
    with LocalAgent(forwarder) as agent:
        from plctl.common.plan.run_request import check_hosts

        request = read()
        check_hosts(request, [LOCAL_HOST])
        return _carry_locally(request, out, agent, shown, lambda: LocalAgent(forwarder))


def _carry_locally(
    request: RunRequest, out: Path, agent: LocalAgent, shown: _Shown, another_agent: Callable[[], LocalAgent]
) -> int:
    from plctl.common.base.keeping_out import keep_out

    keep_out("pandas")
    from plctl.controller.launch.interrupts import Interrupts
    from plctl.controller.launch.local_run import run_locally
    from plctl.controller.view.screen import live_screen, say
    from plctl.controller.view.summary import exit_status

    quiet = shown.as_json or shown.quiet
    with live_screen(quiet=quiet) as console, Interrupts(lambda text: say(console, text)) as interrupts:
        record, folder = run_locally(
            request,
            out,
            console,
            agent,
            interrupts=interrupts,
            foreground=shown.foreground(request),
            report=shown.report,
            another_agent=another_agent,
            page=shown.page,
        )
        console.drain()
        _print(record, folder, "", shown)
    return exit_status(record)


def _run_remotely(request: RunRequest, access: ControllerAccess, order: FollowOptions, shown: _Shown) -> int:
    from plctl.controller.launch.remote_run import Detached, run_remotely
    from plctl.controller.view.screen import live_screen
    from plctl.controller.view.summary import exit_status

    try:
        with live_screen(quiet=shown.as_json or shown.quiet) as console:
            outcome = run_remotely(request, access, order, console, shown.foreground(request))
    except Detached as detached:
        _leave(detached)
    if outcome.record is None:
        _print_detached(outcome, shown.as_json)
        return 0
    _print(outcome.record, outcome.folder, access.address, shown)
    return exit_status(outcome.record)


def _leave(detached: Detached) -> NoReturn:
    if detached.run:
        echo(
            f"\nleft {detached.run} alone; come back, have its results, end it:\n"
            f"  plctl show {detached.run} --follow\n  plctl fetch {detached.run}\n  plctl cancel {detached.run}",
            err=True,
        )
    else:
        echo("\nleft before the controller had answered; plctl runs tells whether the run began", err=True)
    raise click.exceptions.Exit(CANCELLED)


def _print_detached(outcome: FollowOutcome, as_json: bool) -> None:
    from plctl.controller.launch.plan_table import document

    submitted = outcome.submitted
    if as_json:
        echo(json.dumps(document(submitted.assignments, submitted.warnings, submitted.run), indent=1))
    else:
        echo(submitted.run)
        echo(f"come back: plctl show {submitted.run} --follow", err=True)


def _plan(request: RunRequest, access: ControllerAccess | None, order: FollowOptions, as_json: bool) -> None:
    from plctl.common.protocol.requests import Submitted
    from plctl.controller.launch import plan_table
    from plctl.controller.launch.remote_run import plan_remotely
    from plctl.controller.view.screen import stdout_screen

    planned, agents = (
        plan_remotely(request, access, order) if access else (Submitted("", plan_table.place_locally(request)), ())
    )
    if as_json:
        echo(json.dumps(plan_table.document(planned.assignments, planned.warnings), indent=1))
        return
    for warning in planned.warnings:
        warn(warning)
    if planned.waits:
        warn(f"the run would wait: {planned.waits}")
    plan_table.show(stdout_screen(), planned.assignments, agents)


def _print(record: RunRecord, folder: Path | None, controller: str, shown: _Shown) -> None:
    """What became of the run; where a program has standard output, on standard error."""
    from plctl.controller.view import summary
    from plctl.controller.view.screen import stderr_screen, stdout_screen

    if shown.as_json:
        echo(json.dumps(summary.document(record, folder), indent=1))
    elif not shown.quiet:
        summary.show(stderr_screen() if shown.has_program else stdout_screen(), record, folder, controller)
    elif summary.exit_status(record):
        summary.show(stderr_screen(), record, folder, controller)
