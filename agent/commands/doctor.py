"""`plctl doctor`: the checks of `plctl.agent.doctor`, as lines for people or a document for programs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict

import click

from plctl.agent.doctor.examination import examine, examine_essentials
from plctl.agent.doctor.finding import Finding, Level
from plctl.common.cli.terminal import echo, echo_marked
from plctl.common.host.facts import gather_host_facts

_MARKS = {Level.OK: ("✓", "green"), Level.NOTE: ("!", "yellow"), Level.FAIL: ("✗", "red")}


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document: the host's facts and all findings.")
@click.option("--brief", is_flag=True, help="Print only what makes links impossible, one sentence each.")
@click.pass_context
def doctor(ctx: click.Context, as_json: bool, brief: bool) -> None:
    """Can this machine run links, and how well?

    Tries what links need of the kernel in namespaces that vanish again, and changes nothing on the host.
    ✓ is well, ! works but could be better, ✗ makes links impossible; each says what to do. Exit status 1 with any ✗.

    \b
    Examples:
      sudo plctl doctor
      sudo plctl doctor --json | python3 -I -m json.tool
    """
    facts = gather_host_facts()
    findings = examine_essentials(facts.kernel) if brief else examine(facts)
    usable = all(finding.level is not Level.FAIL for finding in findings)
    if as_json:
        document = {"usable": usable, "host": asdict(facts), "findings": [asdict(finding) for finding in findings]}
        echo(json.dumps(document, indent=2))
    elif brief:
        print_failures(findings)
    else:
        print_all(findings)
    ctx.exit(0 if usable else 1)


def print_all(findings: Sequence[Finding]) -> None:
    """Print every finding on a line, and what to do about it below."""
    width = max(len(finding.check) for finding in findings)
    for finding in findings:
        mark, colour = _MARKS[finding.level]
        echo_marked(mark, colour, f"{finding.check:<{width}}  {finding.seen}")
        if finding.remedy:
            echo(f"  {'':<{width}}  → {finding.remedy}")


def print_failures(findings: Sequence[Finding]) -> None:
    """Print, on standard error, a sentence for each thing that makes links impossible."""
    for finding in findings:
        if finding.level is Level.FAIL:
            echo(finding.as_sentence(), err=True)
