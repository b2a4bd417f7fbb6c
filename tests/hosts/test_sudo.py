"""`plctl deploy` as an ordinary account that becomes root by sudo, with a password where sudo wants one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from lab.control import Control
from lab.deploying import Workstation, workstation
from lab.real_host import USER
from lab.real_lab import RealLab

pytestmark = pytest.mark.timeout(600)

HOSTS = ("h1", "h2", "h3")
FREE = f"/etc/sudoers.d/{USER}"


@pytest.fixture
def desk(lab: RealLab, control: Control, cache: Path) -> Iterator[Workstation]:
    """The workstation; everywhere it is let in by key as the account, and sudo asks it on h1 and h2 alone."""
    lab.host("h3").run(["sh", "-c", f"echo '{USER} ALL=(ALL) NOPASSWD: ALL' > {FREE}"])
    more = {name: {"user": USER} for name in HOSTS}
    with workstation(lab, control, cache, lab.hosts, **more) as desk:
        yield desk
        desk.deploy("--remove", "--sudo-password-file", desk.password_file(lab.password))
    lab.host("h3").run(["rm", FREE])


def test_sudo_is_given_a_password_where_it_wants_one(lab: RealLab, desk: Workstation, control: Control) -> None:
    """Without it, with a wrong one and with the right one, typed at a terminal; where sudo wants none, all is well."""
    missing = desk.deploy()
    assert ["failed", "failed", "changed"] == missing.of(*HOSTS), missing
    assert f"sudo asks {USER} for a password: say --ask-sudo-password" in missing.hosts["h1"]["text"]

    wrong = desk.deploy("--sudo-password-file", desk.password_file("guess"))
    assert ["failed", "failed", "unchanged"] == wrong.of(*HOSTS), wrong
    told = f"sudo refuses {USER}: the password for sudo is wrong (sudo: 1 incorrect password attempt)"
    assert {told} == {wrong.hosts[name]["text"] for name in ("h1", "h2")}

    options = ["--ask-sudo-password", "--limit", "failed"]
    status, shown = desk.deploy_typing("Password for sudo: ", f"{lab.password}\n", *options)
    assert (0, True) == (status, "2 hosts: 2 changed" in shown), shown
    assert lab.password not in shown
    assert sorted(HOSTS) == sorted(control.agents())
