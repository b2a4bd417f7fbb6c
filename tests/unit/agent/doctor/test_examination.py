"""`plctl doctor`: what each check makes of what it sees, and how the command tells it."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Sequence

import pytest
from click.testing import CliRunner

from plctl.agent.commands import doctor as command
from plctl.agent.doctor import examination as checks
from plctl.agent.doctor.finding import Finding, Level
from plctl.agent.doctor.kernel_trial import TrialStep
from plctl.agent.ownership.ledger import Ledger
from plctl.common.base.errors import WorldError
from plctl.common.cli.root_command import root
from plctl.common.host.facts import gather_host_facts
from plctl.common.host.state import Owner

GOOD = Finding("veth", Level.OK, "works")
POOR = Finding("CPUs", Level.NOTE, "1", "give it two")
BAD = Finding("packet ring", Level.FAIL, "Operation not permitted", "ask for it")


@pytest.mark.parametrize(
    ("release", "level"),
    [("5.10.0-28-amd64", Level.FAIL), ("4.19.0", Level.FAIL), ("5.11.0", Level.OK), ("6.1.0-13-amd64", Level.OK)],
)
def test_a_kernel_without_epoll_pwait2_fails(release: str, level: Level) -> None:
    """5.11 is the oldest that will do, compared as numbers."""
    assert level == checks.check_kernel(release).level


@pytest.mark.parametrize(
    ("step", "words"),
    [
        (TrialStep("veth", errno.EOPNOTSUPP), ["modprobe veth", "linux-modules-extra"]),
        (TrialStep("packet ring", errno.EAFNOSUPPORT), ["modprobe af_packet"]),
        (TrialStep("network namespace", errno.EPERM), ["--privileged"]),
        (TrialStep("network namespace", errno.EINVAL), ["distribution's own kernel"]),
        (TrialStep("epoll_pwait2", errno.ENOSYS), ["distribution's own kernel"]),
        (TrialStep("packet ring", errno.ETIMEDOUT), ["dmesg"]),
    ],
)
def test_a_failed_attempt_names_the_way_out(step: TrialStep, words: list[str]) -> None:
    """What the kernel lacks is said in its own words, with what to do about it."""
    finding = checks.check_step(step)
    assert (finding.check, finding.level, finding.seen) == (step.name, Level.FAIL, os.strerror(step.errno))
    assert all(word in finding.remedy for word in words)


@pytest.mark.parametrize("name", ["AF_XDP", "time namespace"])
def test_what_links_do_not_need_is_only_noted(name: str) -> None:
    """A machine without it can still run links."""
    assert checks.check_step(TrialStep(name, errno.EAFNOSUPPORT)).level is Level.NOTE


@pytest.mark.needs_root
def test_this_machine_can_run_links() -> None:
    """Every kernel feature that links need works here; otherwise the live tests would be in vain."""
    assert [] == [f for f in checks.examine(gather_host_facts()) if f.level is Level.FAIL]


def test_without_privileges_nothing_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    """A trial that must fail would only hide the one thing to mend."""
    monkeypatch.setattr(checks, "missing_capabilities", lambda: ["CAP_NET_RAW"])
    monkeypatch.setattr(checks, "try_kernel", lambda: pytest.fail("was tried"))
    failed = [f for f in checks.examine(gather_host_facts()) if f.level is Level.FAIL]
    assert [f.check for f in failed] == ["privileges"]
    assert "CAP_NET_RAW" in failed[0].seen


@pytest.mark.needs_root
def test_a_trial_that_does_not_answer_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    """What could not be tried does not count as working."""

    def fail() -> list[TrialStep]:
        raise WorldError("no answer")

    monkeypatch.setattr(checks, "try_kernel", fail)
    failed = [f for f in checks.examine(gather_host_facts()) if f.level is Level.FAIL]
    assert [("kernel trial", "no answer")] == [(f.check, f.seen) for f in failed]


def test_leftovers_are_what_dead_owners_left_and_did_not_mean_to_keep() -> None:
    """A living owner and a hand-made link are no leftovers."""
    with Owner.create("living") as living:
        dead, kept = Owner.create("dead"), Owner.create("kept")
        ledger = Ledger(kept.ledger_path)
        ledger.record("keep", "kept")
        ledger.close()
        dead.close()
        kept.close()
        assert checks.find_leftovers() == ["dead"]
        living.remove()
    for owner in (dead, kept):
        Owner.join(owner.path, exclusive=True).remove()
    assert checks.find_leftovers() == []


def test_a_leftover_is_noted_with_the_command_that_removes_it() -> None:
    """The doctor only tells; `plctl clean` acts."""
    finding = checks.check_leftovers(["agent-1"])
    assert (finding.level, finding.seen, finding.remedy.split(": ")[-1]) == (
        Level.NOTE,
        "of agent-1",
        "sudo plctl clean",
    )


def run(monkeypatch: pytest.MonkeyPatch, findings: Sequence[Finding], *options: str) -> tuple[int, str]:
    """Exit status and output of `plctl doctor` on a machine with `findings`."""
    monkeypatch.setattr(command, "examine", lambda _facts: list(findings))
    monkeypatch.setattr(command, "examine_essentials", lambda _release, _steps=None: list(findings))
    result = CliRunner().invoke(root, ["doctor", *options])
    return result.exit_code, result.output


def test_each_finding_is_a_line_with_its_mark(monkeypatch: pytest.MonkeyPatch) -> None:
    """✓, ! and ✗ in one column; what to do stands below."""
    expected = (
        "✓ veth         works\n"
        "! CPUs         1\n"
        "               → give it two\n"
        "✗ packet ring  Operation not permitted\n"
        "               → ask for it\n"
    )
    assert run(monkeypatch, [GOOD, POOR, BAD]) == (1, expected)


def test_a_note_does_not_make_a_machine_unusable(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only ✗ ends with status 1."""
    assert run(monkeypatch, [GOOD, POOR])[0] == 0


def test_brief_says_only_what_makes_links_impossible(monkeypatch: pytest.MonkeyPatch) -> None:
    """For scripts: silent where all is well, a sentence and status 1 where not."""
    assert run(monkeypatch, [GOOD, POOR], "--brief") == (0, "")
    sentence = "plctl cannot work here: packet ring: Operation not permitted: ask for it\n"
    assert run(monkeypatch, [GOOD, POOR, BAD], "--brief") == (1, sentence)


def test_json_is_one_document_with_the_hosts_facts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Programs get every finding and whether the machine is usable."""
    status, output = run(monkeypatch, [GOOD, BAD], "--json")
    document = json.loads(output)
    assert status == 1
    assert document["usable"] is False
    assert [("veth", "ok"), ("packet ring", "fail")] == [(f["check"], f["level"]) for f in document["findings"]]
    assert os.uname().release == document["host"]["kernel"]
