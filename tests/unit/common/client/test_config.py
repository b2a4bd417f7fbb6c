"""Where a command finds its controller and its keys: the nearest word counts, and what is missing is said."""

from __future__ import annotations

from pathlib import Path

import pytest

from plctl.common.base.errors import UserError
from plctl.common.client import config
from plctl.common.client.config import find_controller, require_controller
from plctl.common.security.enrolment import enroll, init_controller


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    """The keys folder of a controller, whose operator is ada."""
    init_controller(tmp_path / "keys", "ada")
    return tmp_path / "keys"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user's home without a config file yet, on a machine without one."""
    monkeypatch.delenv("PLCTL_CONFIG")
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    monkeypatch.delenv("SUDO_USER", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setattr(config, "_SYSTEM_FILE", tmp_path / "etc" / "config.toml")
    return tmp_path / "home"


def write_config(folder: Path, text: str) -> Path:
    """A config file in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.toml").write_text(text)
    return folder / "config.toml"


def test_without_a_word_there_is_no_controller(home: Path) -> None:
    """`plctl run` is then self-contained; a command that needs a controller says how to name one."""
    assert find_controller() is None
    with pytest.raises(UserError, match=rf'say --controller .*controller = "tcp://HOST:PORT" into {home}/'):
        require_controller()


def test_the_nearest_word_counts(home: Path, keys: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Option, then environment, then config file; each of address and keys by itself."""
    write_config(home / ".config/plctl", f'controller = "tcp://file:1"\nkeys = "{keys}"\n')
    assert "tcp://file:1" == require_controller().address
    monkeypatch.setenv("PLCTL_CONTROLLER", "tcp://environment:1")
    assert "tcp://environment:1" == require_controller().address
    assert "tcp://option:1" == require_controller("tcp://option:1").address
    enroll(keys, "grace", "viewer")
    monkeypatch.setenv("PLCTL_KEYS", str(keys / "enrolled/grace"))
    assert ("grace", "viewer") == (require_controller().pair.name, require_controller().pair.role)
    assert "ada" == require_controller(keys=keys).pair.name


def test_keys_lie_beside_the_config_file_or_where_it_says(home: Path, keys: Path) -> None:
    """A relative path counts from the file; without a word the file's own folder is looked into."""
    write_config(home / ".config/plctl", 'controller = "tcp://c:1"\nkeys = "lab"\n')
    keys.rename(home / ".config/plctl/lab")
    assert "ada" == require_controller().pair.name
    write_config(home / ".config/plctl/lab", 'controller = "tcp://c:1"\n').rename(home / ".config/plctl/config.toml")
    for file in list((home / ".config/plctl/lab").glob("*.*")):
        file.rename(home / ".config/plctl" / file.name)
    assert "ada" == require_controller().pair.name


def test_under_sudo_the_callers_config_counts(home: Path, keys: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Unless root has one: whoever configured a controller means it with sudo, too."""
    account = type("Account", (), {"pw_dir": str(home / "ada")})
    monkeypatch.setenv("SUDO_USER", "ada")
    monkeypatch.setattr(config.pwd, "getpwnam", lambda name: account if name == "ada" else None)
    write_config(home / "ada/.config/plctl", f'controller = "tcp://caller:1"\nkeys = "{keys}"\n')
    assert "tcp://caller:1" == require_controller().address
    write_config(home / ".config/plctl", f'controller = "tcp://root:1"\nkeys = "{keys}"\n')
    assert "tcp://root:1" == require_controller().address


def test_a_machine_may_have_a_config_for_everybody(home: Path, keys: Path, tmp_path: Path) -> None:
    """It is the last that is looked for."""
    assert not (home / ".config").exists()
    write_config(tmp_path / "etc", f'controller = "tcp://machine:1"\nkeys = "{keys}"\n')
    assert "tcp://machine:1" == require_controller().address


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("controller = 7", "expected str, got int"),
        ('kontroller = "tcp://c:1"', "kontroller"),
        ("controller = ", "cannot use the config file"),
        ('controller = "c:7777"', "it is like tcp://HOST:PORT"),
    ],
)
def test_a_config_that_is_wrong_is_refused(home: Path, text: str, sentence: str) -> None:
    """Not ignored: the run would go somewhere else than its author thinks."""
    write_config(home / ".config/plctl", text)
    with pytest.raises(UserError, match=sentence):
        find_controller()


def test_a_config_that_was_named_must_be_there(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """$PLCTL_CONFIG is a word that counts."""
    monkeypatch.setenv("PLCTL_CONFIG", str(tmp_path / "none.toml"))
    with pytest.raises(UserError, match=r"names .*none\.toml, which does not exist"):
        find_controller()


def test_without_a_persons_key_nothing_is_asked(home: Path, tmp_path: Path) -> None:
    """The sentence says where it was looked for and who makes one; an agent's key does not serve."""
    assert home != tmp_path
    with pytest.raises(UserError, match=rf"no key of an operator or a viewer in {tmp_path}; .*controller grant NAME"):
        require_controller("tcp://c:1", tmp_path)
