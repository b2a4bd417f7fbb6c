"""`plctl link set` and `plctl link record`: change a hand-made link while it is emulated, and write what was done."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import click

from plctl.agent.commands.link_options import NAME
from plctl.agent.link import hand_link
from plctl.common.base.errors import UserError
from plctl.common.cli.change_options import asker, change_options
from plctl.common.cli.terminal import echo
from plctl.common.host.caller import give_to_caller
from plctl.common.host.privilege import require_root
from plctl.common.plan.link_change import LinkChange, describe, format_at


@click.command("set")
@NAME
@change_options
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def set_link(name: str, change: LinkChange, as_json: bool) -> None:
    """Change a link while it is emulated.

    Both directions, or one with --up or --down, at one instant of scenario time. Frames on their way are not lost, nor
    do they overtake, and values that are not named stay as they are. The change holds until the scenario's next row;
    with --hold later rows keep the named values, too.

    \b
      sudo plctl link set --delay 20ms --rate 5Mbps
      sudo plctl link set --down --loss 1% --jitter 2ms
      sudo plctl link set --rate 5Mbps/20Mbps --hold       5 Mbit/s up and 20 Mbit/s down, for good
      sudo plctl link set --rate 0bps                      an outage
      sudo plctl link set --route 7 --delay 3ms            a handover
    """
    require_root("plctl link set")
    from plctl.agent.link.control import ControlRequest, SetRequest, ask  # asyncio would slow down --help
    from plctl.common.protocol.wire import to_plain

    found = hand_link.find(name)
    done = ask(found.folder, ControlRequest(set=SetRequest(change, asker()))).changed
    assert done
    if as_json:
        echo(json.dumps({"link": name, **to_plain(done)}, indent=1))
    else:
        echo(f"link {name} from {format_at(done)} of scenario time on: {describe(done)}")


@click.command()
@NAME
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Write to this file, not to the terminal.")
def record(name: str, output: Path | None) -> None:
    """Write the scenario that replays a session: the one that is emulated, with every change where it was made.

    What is emulated now, up to now; or if nothing is, the last session. The file has the same rows at the same times,
    to the nanosecond, so plctl link start and plctl run can repeat what was done by hand.

    \b
      sudo plctl link record -o session.csv
      sudo plctl link start session.csv                    and the options of the session, which it tells
    """
    require_root("plctl link record")
    from plctl.agent.link.live_session import recording, scenario_of
    from plctl.common.scenario.writers.plctl_csv import PlctlCsvWriter

    session = recording(hand_link.find(name))
    written = PlctlCsvWriter().write(scenario_of(session), None)
    if written.losses:
        raise UserError(f"a scenario file cannot express {', '.join(written.losses)}")
    text = next(iter(written.texts.values()))
    if output is None:
        echo(text, nl=False)
    else:
        try:
            output.write_text(text, encoding="utf-8")
        except OSError as error:
            raise UserError(f"cannot write {output}: {error.strerror}") from None
        give_to_caller(output)
    changes = f"{len(session.changes)} change{'s' * (len(session.changes) != 1)}"
    echo(f"{changes}; it was emulated by: {_started_by(session.command)}", err=True)


def _started_by(command: tuple[str, ...]) -> str:
    return shlex.join(["plctl", *command[1:]])
