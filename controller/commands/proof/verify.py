"""`plctl verify`: checks what a run, a study or a bundle claims."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from plctl.common.cli.extra import needs_extra
from plctl.common.cli.terminal import echo
from plctl.controller.commands.proof.subject import STUDIES_HERE, opened_subject, runs_of
from plctl.controller.commands.run_completion import complete_run
from plctl.controller.commands.run_options import RUNS_HERE

if TYPE_CHECKING:
    from plctl.controller.verification.check import ClaimCheck

_SIGNS = {"holds": "ok", "broken": "BROKEN", "unknown": "not checked"}


@click.command()
@click.argument("what", metavar="RUN|STUDY|BUNDLE", default="last", shell_complete=complete_run)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@RUNS_HERE
@STUDIES_HERE
@click.pass_context
def verify(ctx: click.Context, *, what: str, as_json: bool, base: Path, studies: Path) -> None:
    """Check what RUN, STUDY or BUNDLE claims; needs no root, and trusts nothing in it.

    \b
    Checked are
      files         every file has the digest that it had when the run was complete
      schedules     what links followed is what run.json names
      sources       spec and scenarios, read again, ask for just that
      counters      no frame left that had not arrived
      telemetry     its rows tile the run and add up to the results
      start         starts and skew, recomputed from the clock record and the log
      verdicts      every link is judged again by its results
      packet logs   as many records of each verdict as the counters say
      replay        the reference model says the same of every logged frame, to the nanosecond

    Who makes all of a folder up, consistently, is not found out: see what the certificate cannot see.

    Exit status: 0 nothing is broken; 1 something is; 2 the input is wrong.
    """
    with needs_extra("the check of a run"):
        from plctl.controller.verification.verify import verify_run

    documents, broken = [], False
    with opened_subject(what, base, studies) as folder:
        runs = runs_of(folder)
        for run in runs:
            checks = []
            if not as_json and len(runs) > 1:
                echo(run.name)
            for check in verify_run(run):
                checks.append(check)
                if not as_json:
                    echo(_line(check))
            broken |= any(check.state == "broken" for check in checks)
            documents.append(_document(run, checks))
    if as_json:
        echo(json.dumps({"runs": documents, "holds": not broken}, indent=1))
    else:
        words = "something is broken: do not rely on it" if broken else "nothing is broken"
        echo(words if len(runs) == 1 else f"{len(runs)} runs: {words}")
    ctx.exit(1 if broken else 0)


def _line(check: ClaimCheck) -> str:
    return f"{_SIGNS[check.state]:<12}{check.name:<13}{check.says}"


def _document(run: Path, checks: list[ClaimCheck]) -> dict[str, Any]:
    return {"run": run.name, "checks": [asdict(check) for check in checks]}
