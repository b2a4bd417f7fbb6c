"""Who may build links: judged by capabilities, not by the user's number."""

from __future__ import annotations

import sys

import pytest

from plctl.common.base.errors import PrivilegeError
from plctl.common.host import privilege


def status(mask: int) -> str:
    """Text as /proc/self/status has it."""
    return f"Name:\tplctl\nCapPrm:\t{0:016x}\nCapEff:\t{mask:016x}\n"


ALL_THREE = 1 << 12 | 1 << 13 | 1 << 21


@pytest.mark.parametrize(
    ("mask", "missing"),
    [
        (ALL_THREE, []),
        (2**41 - 1, []),
        (ALL_THREE & ~(1 << 13), ["CAP_NET_RAW"]),
        (0, ["CAP_NET_ADMIN", "CAP_NET_RAW", "CAP_SYS_ADMIN"]),
    ],
)
def test_exactly_the_missing_capabilities_are_named(mask: int, missing: list[str]) -> None:
    """The three needed bits count, and no others."""
    assert missing == privilege.missing_capabilities(status(mask))


def test_a_status_without_capabilities_grants_none() -> None:
    """What cannot be read is not assumed."""
    assert sorted(privilege.NEEDED) == privilege.missing_capabilities("Name:\tplctl\n")


@pytest.mark.needs_root
def test_root_may() -> None:
    """The process that runs the tests is root, so nothing is missing."""
    privilege.require_root("plctl run")


def test_the_refusal_says_what_to_type(monkeypatch: pytest.MonkeyPatch) -> None:
    """The sentence names the command, what is missing and the way out, and ends with status 2."""
    monkeypatch.setattr(privilege, "missing_capabilities", lambda: ["CAP_NET_RAW"])
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    monkeypatch.setattr("sys.argv", ["/usr/bin/plctl", "run", "leo.csv"])
    hint = r"plctl run needs root: CAP_NET_RAW .* try: sudo plctl run leo\.csv$"
    with pytest.raises(PrivilegeError, match=hint) as caught:
        privilege.require_root("plctl run")
    assert caught.value.exit_status == 2


@pytest.mark.parametrize(
    ("typed", "argv"),
    [
        (
            "sudo .venv/bin/plctl run 'my leo.csv' -- ping -c 3 192.168.66.2",
            [".venv/bin/plctl", "run", "my leo.csv", "--", "ping", "-c", "3", "192.168.66.2"],
        ),
        ("sudo /home/ann/env/bin/plctl lab list", ["/home/ann/env/bin/plctl", "lab", "list"]),  # found by PATH
        ("sudo plctl link setup -n jumbo", ["/usr/local/bin/plctl", "link", "setup", "-n", "jumbo"]),
        (f"sudo {sys.executable} -P -m plctl.common clean", ["/repo/common/__main__.py", "clean"]),
    ],
)
def test_what_to_type_can_be_typed(typed: str, argv: list[str]) -> None:
    """sudo has a PATH of its own, in which no virtual environment is; and nobody likes to type arguments again."""
    assert typed == privilege.sudo_command(argv=argv)


def test_another_command_may_be_what_helps() -> None:
    """Of the same plctl."""
    assert "sudo .venv/bin/plctl clean" == privilege.sudo_command("clean", argv=[".venv/bin/plctl", "doctor"])


def test_a_root_without_the_capabilities_is_not_sent_to_sudo(monkeypatch: pytest.MonkeyPatch) -> None:
    """In a container root may lack them, and sudo would give it nothing."""
    monkeypatch.setattr(privilege, "missing_capabilities", lambda: ["CAP_SYS_ADMIN"])
    monkeypatch.setattr("os.geteuid", lambda: 0)
    with pytest.raises(PrivilegeError, match=r"CAP_SYS_ADMIN missing here; try: a container .* --privileged"):
        privilege.require_root("plctl run")
