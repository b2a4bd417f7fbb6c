"""`plctl deploy` where hosts are not as they should be: each is told its own cause, and what is mended follows."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from lab import faults
from lab.control import controller
from lab.deploying import Workstation, workstation
from lab.real_host import USER
from lab.real_lab import RealLab
from lab.trees import BOOKWORM, BULLSEYE

pytestmark = pytest.mark.timeout(600)

#: What is wrong, by host, and how the sentence goes that tells it. The first is well.
CAUSES = {
    "h2": "cannot be reached at 10.77.0.2: No route to host",
    "h3": "ssh refuses student: the password is wrong, or none is taken there",
    "h4": r"Python 3\.9.* is too old, plctl needs 3.11 or newer",
    "h5": "its disk is full: .* are free at /opt, .* are needed",
    "h6": "the ssh connection broke .*; it is again what it was",
    "h7": "its host key has changed: it shows ssh-ed25519 .*, which is not the one in ",
}


@pytest.fixture(scope="module")
def troubled() -> Iterator[RealLab]:
    """Seven hosts: the first is well, the second has no power, the fourth an old Debian."""
    with RealLab(7, recipes={"h4": BULLSEYE}) as lab:
        yield lab


@pytest.fixture
def desk(troubled: RealLab, cache: Path) -> Iterator[Workstation]:
    """The workstation; h3 is reached by password, which is also the one for sudo."""
    with (
        controller(troubled) as control,
        workstation(troubled, control, cache, troubled.hosts, h3={"user": USER}) as desk,
    ):
        yield desk


def test_each_failing_host_is_told_apart_and_repaired(troubled: RealLab, desk: Workstation) -> None:
    """Six hosts fail in six ways beside one that is well; once they are mended, the rest follows in one go."""
    h2, h3, h4, h5, h6, h7 = (troubled.host(name) for name in CAUSES)
    h2.power_off()
    h3.run(["rm", f"/home/{USER}/.ssh/authorized_keys"])
    faults.change_host_key(h7)
    with faults.full_disk(h5), faults.ssh_cut_when(h6, "/opt/plctl/incoming/*.tar.gz") as cut:
        first = desk.deploy("--password-file", desk.password_file("wrong"))
    assert [1] == cut
    assert 1 == first.status
    assert ["changed", *["failed"] * 6] == first.of("h1", *CAUSES), first
    told = {name: first.hosts[name]["text"] for name in CAUSES}
    assert {} == {name: text for name, text in told.items() if not re.search(CAUSES[name], text)}
    assert ["h1"] == list(desk.control.agents())

    h2.boot()
    h4.power_off()
    h4.install(BOOKWORM)
    h4.boot()
    troubled.trust_host_keys()
    password = desk.password_file(troubled.password)
    options = ["--limit", "failed", "--password-file", password, "--sudo-password-file", password]
    repaired = desk.deploy(*options)
    assert (0, set(CAUSES), {"changed"}) == (repaired.status, set(repaired.hosts), repaired.all()), repaired
    assert sorted(["h1", *CAUSES]) == sorted(desk.control.agents())
