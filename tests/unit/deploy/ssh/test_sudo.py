"""Becoming root by sudo, on a stand-in that treats a password as sudo does: what is tried, and what is said."""

from __future__ import annotations

import pytest

from plctl.deploy.ssh.done import CommandResult
from plctl.deploy.ssh.sudo import SudoError, Way, find_way

HARMLESS = ["python3", "-c", ""]
WELL = CommandResult("", "", 0)
WANTED = CommandResult("", "sudo: a password is required\n", 1)
WRONG = CommandResult("", "Sorry, try again.\nsudo: no password was provided\nsudo: 1 incorrect password attempt\n", 1)
STRANGER = CommandResult("", "lecture\nada is not in the sudoers file.\nThis incident has been reported.\n", 1)
ABSENT = CommandResult("", "env: 'sudo': No such file or directory\n", 127)


class Machine:
    """Answers sudo without a password, and with one."""

    def __init__(self, without: CommandResult, by_password: CommandResult = WRONG) -> None:
        self.commands: list[str] = []
        self.read: list[bytes] = []
        self._without = without
        self._by_password = by_password

    async def run(self, command: str, stdin: bytes) -> CommandResult:
        """Run `command`."""
        self.commands.append(command)
        self.read.append(stdin)
        return self._by_password if " -S " in command else self._without


async def refusal(machine: Machine, password: str | None) -> str:
    """Why ada does not become root."""
    with pytest.raises(SudoError) as caught:
        await find_way(machine.run, HARMLESS, "ada", password)
    return str(caught.value)


async def test_a_password_goes_only_where_sudo_wants_one() -> None:
    """Left unread, it would stand in front of what is sent after it."""
    assert b"" == (await find_way(Machine(WELL).run, HARMLESS, "ada", "sesame")).head
    assert b"sesame\n" == (await find_way(Machine(WANTED, WELL).run, HARMLESS, "ada", "sesame")).head


async def test_credentials_that_sudo_remembers_do_not_count() -> None:
    """For the same reason: whether a password is read must not depend on when it was last."""
    machine = Machine(WANTED, WELL)
    way = await find_way(machine.run, HARMLESS, "ada", "sesame")
    assert ["-k"] * 3 == [command.split("sudo ")[1][:2] for command in (*machine.commands, way.command(["id"]))]


async def test_the_password_is_on_no_command_line_and_in_no_representation() -> None:
    """Everybody on the host may see the first, and logs the second."""
    machine = Machine(WANTED, WELL)
    way = await find_way(machine.run, HARMLESS, "ada", "sesame")
    assert [b"", b"sesame\n"] == machine.read
    assert "sesame" not in f"{machine.commands} {way!r} {way.command(['id'])}"


async def test_a_wrong_password_is_tried_once_and_told() -> None:
    """Three would lock the account in many places."""
    machine = Machine(WANTED)
    told = "sudo refuses ada: the password for sudo is wrong (sudo: 1 incorrect password attempt)"
    assert told == await refusal(machine, "guess")
    assert 1 == machine.read.count(b"guess\n")


@pytest.mark.parametrize(
    ("machine", "password", "told"),
    [
        (
            Machine(WANTED), None,
            "sudo asks ada for a password: say --ask-sudo-password or --sudo-password-file "
            "(sudo: a password is required)",
        ),
        (Machine(WANTED, STRANGER), "sesame", "sudo refuses ada: ada is not in the sudoers file."),
        (Machine(CommandResult("", "", 1)), None, "sudo refuses ada: sudo ended with status 1"),
        (
            Machine(ABSENT, ABSENT), "sesame",
            "ada is not root there, and there is no sudo (env: 'sudo': No such file or directory)",
        ),
    ],
)  # fmt: skip
async def test_each_refusal_has_its_own_sentence(machine: Machine, password: str | None, told: str) -> None:
    """With what to do, or sudo's own words."""
    assert told == await refusal(machine, password)


def test_root_needs_no_sudo() -> None:
    """A command stays what it is."""
    assert "echo 'a b'" == Way().command(["echo", "a b"])
