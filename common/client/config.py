"""Where is the controller, and who is asking? What the command line, the environment and the config file say of it.

    # ~/.config/plctl/config.toml
    controller = "tcp://lab-control:7777"
    keys = "keys"            # relative to this file; default: the file's own folder

Each of the two is taken from the first that says it: the option, the environment ($PLCTL_CONTROLLER, $PLCTL_KEYS), the
config file. The file is $PLCTL_CONFIG, or ~/.config/plctl/config.toml, or under sudo that of whoever called it, or
/etc/plctl/config.toml.
"""

from __future__ import annotations

import contextlib
import os
import pwd
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from plctl.common.base.errors import KernelError, ProtocolError, UserError
from plctl.common.protocol.wire import from_plain
from plctl.common.security.keys import (
    ClientRole,
    KeyPair,
    SpokeKeys,
    keys_dir,
    load_controller_public,
    load_pair,
    pair_path,
)

_FILE = "config.toml"
_SYSTEM_FILE = Path("/etc/plctl") / _FILE
#: The roles in which a person may ask, the one that may do more first.
_ROLES: tuple[ClientRole, ...] = ("operator", "viewer")


@dataclass(frozen=True, slots=True)
class ControllerAccess:
    """Where a controller listens, and the keys that are shown to it."""

    address: str
    keys: SpokeKeys

    @property
    def pair(self) -> KeyPair:
        """Who asks."""
        return self.keys.pair


@dataclass(frozen=True, slots=True)
class _Config:
    controller: str = ""
    keys: str = ""


def find_controller(address: str | None = None, keys: Path | None = None) -> ControllerAccess | None:
    """How to reach the controller that the user means; None if nothing names one.

    :param address: as the command line gives it; `keys`: the folder that it gives.
    :raises UserError: the config file is wrong, the address is none, or there is no key.
    """
    path, config = _read_config()
    address = _choose_address(address, config)
    return ControllerAccess(address, _load_keys(keys or _keys_folder(path, config))) if address else None


def find_address(address: str | None = None) -> str:
    """Where the controller that the user means listens, empty if nothing says so; `address` as in `find_controller`.

    :raises UserError: the config file is wrong, or the address is none.
    """
    return _choose_address(address, _read_config()[1])


def find_keys() -> Path:
    """The folder of keys that the environment or the config file names, else where keys are unless told otherwise.

    :raises UserError: the config file is wrong.
    """
    return _keys_folder(*_read_config())


def require_controller(address: str | None = None, keys: Path | None = None) -> ControllerAccess:
    """As `find_controller`, where there must be one.

    :raises UserError: nothing names a controller, or as above.
    """
    if access := find_controller(address, keys):
        return access
    raise UserError(
        "where is the controller? say --controller tcp://HOST:PORT, set PLCTL_CONTROLLER, or write"
        f' controller = "tcp://HOST:PORT" into {next(_config_files())}'
    )


def _choose_address(address: str | None, config: _Config) -> str:
    address = address or os.environ.get("PLCTL_CONTROLLER") or config.controller
    if address and not address.startswith("tcp://"):
        raise UserError(f"cannot use {address!r:.200} as a controller's address; it is like tcp://HOST:PORT")
    return address


def _read_config() -> tuple[Path | None, _Config]:
    """The config file in force, and what it says.

    :raises UserError: it cannot be used, or $PLCTL_CONFIG names none.
    """
    for path in _config_files():
        try:
            return path, _parsed(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            if os.environ.get("PLCTL_CONFIG"):
                raise UserError(f"$PLCTL_CONFIG names {path}, which does not exist") from None
        except OSError as error:
            raise KernelError.from_os(f"read {path}", error) from error
        except (ValueError, ProtocolError) as error:
            raise UserError(f"cannot use the config file {path}: {error}; it holds controller and keys") from None
    return None, _Config()


def _parsed(text: str) -> _Config:
    """What a config file says.

    :raises ValueError: it is no TOML.
    :raises ProtocolError: it is no config.
    """
    import tomllib  # noqa: PLC0415  # most commands have no config file to read

    return from_plain(_Config, tomllib.loads(text), "config")


def _config_files() -> Iterator[Path]:
    """Where a config file may be, the one that counts first."""
    if named := os.environ.get("PLCTL_CONFIG"):
        yield Path(named).absolute()
        return
    yield Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "plctl" / _FILE
    if caller := os.environ.get("SUDO_USER"):
        with contextlib.suppress(KeyError):  # no such account any more
            yield Path(pwd.getpwnam(caller).pw_dir) / ".config" / "plctl" / _FILE
    yield _SYSTEM_FILE


def _keys_folder(path: Path | None, config: _Config) -> Path:
    if os.environ.get("PLCTL_KEYS"):
        return keys_dir()
    if path and config.keys:
        return path.parent / Path(config.keys).expanduser()
    if path and _has_key(path.parent):
        return path.parent
    return keys_dir()


def _has_key(folder: Path) -> bool:
    return any(pair_path(folder, role).exists() for role in _ROLES)


def _load_keys(folder: Path) -> SpokeKeys:
    """What proves to the controller who asks.

    :raises UserError: there is no key for a person in `folder`, it is not private, or the controller's is missing.
    """
    for role in _ROLES:
        if pair_path(folder, role).exists():
            return SpokeKeys(load_pair(folder, role), load_controller_public(folder))
    raise UserError(
        f"no key of an operator or a viewer in {folder}; the controller makes one with: plctl controller grant NAME"
        " --role operator; say where it is with --keys DIR or PLCTL_KEYS"
    )
