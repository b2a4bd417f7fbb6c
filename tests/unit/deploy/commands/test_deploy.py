"""What the command says: lines, summary, diff, JSON, exit status, and which hosts failed last."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from rich.console import Console

from plctl.common.base.errors import UserError
from plctl.common.cli.root_command import root
from plctl.common.security.enrolment import init_controller
from plctl.deploy.hosts import deployment, last_deploy
from plctl.deploy.hosts.planner import Change, Step
from plctl.deploy.hosts.result import HostResult, Outcome
from plctl.deploy.hosts.view import DeployView, show_changes, summary
from plctl.deploy.inventory.host import Host

UNIT = Change(Step.UNIT, "write the unit", "--- /dev/null\n+[Unit]")


@pytest.fixture
def inventory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two hosts, a controller's keys, and a home of the test's own."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("PLCTL_KEYS", str(tmp_path / "keys"))
    monkeypatch.setenv("PLCTL_CONTROLLER", "tcp://control:7777")
    init_controller(tmp_path / "keys", "ada")
    path = tmp_path / "hosts.yaml"
    path.write_text("hosts: [a, b]\n")
    return path


def ending(monkeypatch: pytest.MonkeyPatch, *outcomes: Outcome) -> list[tuple[str, ...]]:
    """Let deployments end so, host by host; what they are asked for."""
    asked: list[tuple[str, ...]] = []

    async def deploy(hosts: tuple[Host, ...], *_: object, **__: object) -> list[HostResult]:
        asked.append(tuple(host.name for host in hosts))
        return [HostResult(host.name, outcome, "why") for host, outcome in zip(hosts, outcomes, strict=False)]

    monkeypatch.setattr(deployment, "deploy", deploy)
    return asked


def run(*arguments: str) -> tuple[int, str]:
    """Exit status and standard output of `plctl deploy`."""
    result = CliRunner().invoke(root, ["deploy", *arguments])
    return result.exit_code, result.stdout


def test_one_failed_host_fails_the_command(inventory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And only that host is meant by `--limit failed`, until it is well."""
    asked = ending(monkeypatch, Outcome.CHANGED, Outcome.FAILED)
    assert (1, "2 hosts: 1 changed, 1 failed\n") == run("-i", str(inventory))
    ending(monkeypatch, Outcome.CHANGED)
    asked = ending(monkeypatch, Outcome.CHANGED)
    assert (0, "1 host: 1 changed\n") == run("-i", str(inventory), "--limit", "failed")
    assert [("b",)] == asked
    assert 2 == run("-i", str(inventory), "--limit", "failed")[0]


def test_json_is_one_document(inventory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the outcome and the cause of each host."""
    ending(monkeypatch, Outcome.UNCHANGED, Outcome.FAILED)
    status, text = run("-i", str(inventory), "--json")
    assert (1, ["unchanged", "failed"]) == (status, [host["outcome"] for host in json.loads(text)])


@pytest.mark.parametrize("address", ["tcp://control", "ipc:///run/x", "tcp://a b:1"])
def test_an_address_that_is_none_is_refused_first(inventory: Path, address: str) -> None:
    """Before any host is asked."""
    assert 2 == run("-i", str(inventory), "--controller", address)[0]


def test_keys_are_where_the_config_file_says(inventory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As for every other command."""
    config = inventory.with_name("config.toml")
    config.write_text('controller = "tcp://control:7777"\nkeys = "keys"\n')
    monkeypatch.delenv("PLCTL_KEYS")
    assert 2 == run("-i", str(inventory))[0]
    monkeypatch.setenv("PLCTL_CONFIG", str(config))
    ending(monkeypatch, Outcome.UNCHANGED)
    assert 0 == run("-i", str(inventory))[0]


def test_a_deployment_without_keys_or_hosts_is_refused(inventory: Path, tmp_path: Path) -> None:
    """As wrong input."""
    assert 2 == run("-i", str(inventory), "--keys", str(tmp_path / "none"))[0]
    assert 2 == run()[0]


def test_failures_of_hosts_that_were_left_out_are_remembered(inventory: Path) -> None:
    """A deployment to some says nothing about the others."""
    last_deploy.remember(inventory, [HostResult("a", Outcome.FAILED, ""), HostResult("b", Outcome.FAILED, "")])
    last_deploy.remember(inventory, [HostResult("b", Outcome.UNCHANGED, "")])
    assert ["a"] == last_deploy.failed_hosts(inventory)
    with pytest.raises(UserError, match=r"no host of .* failed last time"):
        last_deploy.failed_hosts(inventory.with_name("other"))


def test_without_a_terminal_every_host_has_plain_lines() -> None:
    """One for each step that says something, and one for the end."""
    console = Console(file=io.StringIO(), width=200)
    with DeployView(console, [Host("a")]) as view:
        for step, text in [("reach", ""), ("copy", "copy plctl"), ("copy", "copy plctl"), ("unchanged", "")]:
            view.tell("a", step, text)
    assert isinstance(console.file, io.StringIO)
    assert "a: copy: copy plctl\na: unchanged\n" == console.file.getvalue()


def test_on_a_terminal_every_host_has_its_line_and_all_have_a_bar() -> None:
    """The end is shown as it was last."""
    console = Console(file=io.StringIO(), force_terminal=True, width=100, color_system=None)
    with DeployView(console, [Host("a"), Host("b")]) as view:
        view.tell("a", "failed", "cannot be reached")
    assert isinstance(console.file, io.StringIO)
    last = console.file.getvalue().rpartition("1/2 hosts")[2].splitlines()
    assert ["a", "failed", "cannot", "be", "reached"] == last[1].split()
    assert ["b", "waits"] == last[2].split()


def test_the_same_unit_is_shown_once() -> None:
    """Twenty hosts do not print it twenty times."""
    console = Console(file=io.StringIO(), width=100)
    show_changes(console, [HostResult(name, Outcome.WOULD_CHANGE, "", (UNIT,)) for name in "ab"])
    assert isinstance(console.file, io.StringIO)
    text = console.file.getvalue()
    assert (1, 1) == (text.count("+[Unit]"), text.count("as on a"))


def test_a_removal_has_no_changes_to_show() -> None:
    """Its line says it all."""
    console = Console(file=io.StringIO(), width=100)
    show_changes(console, [HostResult("a", Outcome.WOULD_CHANGE, "would be removed, and its key revoked")])
    assert isinstance(console.file, io.StringIO)
    assert "" == console.file.getvalue()


def test_the_summary_counts_outcomes() -> None:
    """In one line."""
    results = [HostResult(str(number), outcome, "") for number, outcome in enumerate(Outcome)]
    assert "5 hosts: 1 changed, 1 unchanged, 1 would change, 1 removed, 1 failed" == summary(results)
