"""The options of commands that go to hosts: passwords from files and from the terminal."""

from __future__ import annotations

import getpass
import warnings
from dataclasses import replace
from pathlib import Path

import pytest

from plctl.common.base.errors import UserError
from plctl.deploy.ssh.options import SshOptions


@pytest.fixture
def options(tmp_path: Path) -> SshOptions:
    """For an inventory of one host, without passwords."""
    path = tmp_path / "hosts.yaml"
    path.write_text("hosts: [a]\n")
    return SshOptions(
        path, 1, accept_new=False, known_hosts=None, password_file=None, ask_password=False,
        sudo_password_file=None, ask_sudo_password=False, wheels=(),
    )  # fmt: skip


def password_file(folder: Path, text: str) -> Path:
    """A file that only its owner may read."""
    path = folder / "password"
    path.touch(0o600)
    path.write_text(text)
    return path


def test_each_password_is_asked_for_by_its_name(options: SshOptions, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only those that were wished for, the one for ssh first."""
    monkeypatch.setattr(getpass, "getpass", lambda prompt: f"to {prompt}")
    login = replace(options, ask_password=True, ask_sudo_password=True).load()[1]
    assert ("to Password for ssh: ", "to Password for sudo: ") == (login.password, login.sudo_password)
    assert (None, None) == (options.load()[1].password, options.load()[1].sudo_password)


def test_without_a_terminal_nothing_is_asked(options: SshOptions, monkeypatch: pytest.MonkeyPatch) -> None:
    """It would be read from where it can be seen."""

    def echo(*_: object) -> str:
        warnings.warn("Can not control echo on the terminal.", getpass.GetPassWarning, stacklevel=1)
        return "seen"

    monkeypatch.setattr(getpass, "getpass", echo)
    with pytest.raises(UserError, match="there is no terminal to ask for the password for sudo: put it into a file"):
        replace(options, ask_sudo_password=True).load()


def test_a_password_in_a_file_is_one_line(options: SshOptions, tmp_path: Path) -> None:
    """The line's end is none of it, and a second line would be read by what comes after sudo."""
    path = password_file(tmp_path, "open sesame\n")
    assert "open sesame" == replace(options, sudo_password_file=path).load()[1].sudo_password
    for text in ("open\nsesame\n", ""):
        path.write_text(text)
        with pytest.raises(UserError, match=r"there is no password in .*: it must be one line"):
            replace(options, sudo_password_file=path).load()


def test_a_password_comes_from_one_place(options: SshOptions, tmp_path: Path) -> None:
    """Two wishes cannot both be followed."""
    path = password_file(tmp_path, "open sesame\n")
    with pytest.raises(UserError, match=r"is the password for ssh in .*password, or is it to be asked for\? say one"):
        replace(options, password_file=path, ask_password=True).load()
