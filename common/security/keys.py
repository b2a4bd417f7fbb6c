"""The key pairs that prove on TCP who somebody is: who may have which, where they lie, and who may read them.

A key pair is a file `<role>.key` (mode 0600) in a keys folder; `controller.pub` beside it is the public half of the
controller's, without which nobody can connect. Secrets are never printed: they are left out of every repr and error.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeVar, cast, get_args

from plctl.common.base.errors import KernelError, PlctlError, ProtocolError, UserError
from plctl.common.base.names import is_name, name_rule
from plctl.common.base.private_file import read_private, write_private
from plctl.common.protocol.roles import Role
from plctl.common.protocol.wire import from_plain

#: Roles that a controller lets in.
ClientRole = Literal["agent", "operator", "viewer"]
CLIENT_ROLES: tuple[ClientRole, ...] = get_args(ClientRole)

_ROOTS_FOLDER = Path("/etc/plctl")
_CONTROLLER_PUBLIC = "controller.pub"

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class KeyPair:
    """A CURVE key pair and who it stands for. Both keys are Z85 text of 40 characters."""

    name: str
    role: Role
    public: str
    secret: str = field(repr=False)

    @classmethod
    def generate(cls, name: str, role: Role) -> KeyPair:
        """A new pair.

        :raises UserError: `name` cannot be a name on the network.
        """
        import zmq  # noqa: PLC0415  # who only looks for keys, as every command does, need not wait for it

        public, secret = zmq.curve_keypair()
        return cls(check_name(name), role, public.decode(), secret.decode())


@dataclass(frozen=True, slots=True)
class SpokeKeys:
    """What a spoke needs to connect over TCP."""

    pair: KeyPair
    hub_public: str  #: Z85


def keys_dir() -> Path:
    """Where keys are unless told otherwise: `$PLCTL_KEYS`, or /etc/plctl for root, or ~/.config/plctl."""
    if named := os.environ.get("PLCTL_KEYS"):
        return Path(named).absolute()
    if os.geteuid() == 0:
        return _ROOTS_FOLDER
    return Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "plctl"


def check_name(name: str) -> str:
    """`name`, if a peer can be called so.

    :raises UserError: it cannot; the message says what can.
    """
    if not is_name(name):
        raise UserError(f"{name!r:.80} cannot name a peer; write {name_rule()}")
    return name


def pair_path(folder: Path, role: Role) -> Path:
    """The file of the pair that whoever uses `folder` in `role` has."""
    return folder / f"{role}.key"


def save_pair(folder: Path, pair: KeyPair) -> Path:
    """Write `pair` into `folder` (made if need be), in place of one of the same role; the file.

    :raises KernelError: the folder cannot be written.
    """
    path = pair_path(folder, pair.role)
    write_private(path, json.dumps(asdict(pair), indent=1) + "\n")
    return path


def load_pair(folder: Path, role: Role) -> KeyPair:
    """The pair for `role` in `folder`.

    :raises UserError: there is none, others may read it, or it is no key pair.
    """
    path = pair_path(folder, role)
    try:
        pair = parse_private(path, KeyPair)
    except FileNotFoundError:
        raise UserError(f"no key in {path}; {_ORIGIN[role]}") from None
    if pair.role != role:
        raise UserError(f"{path} holds a key for the role {pair.role!r:.20}, not {role}")
    for key in (pair.public, pair.secret):
        check_key(key, path)
    return pair


def save_controller_public(folder: Path, public: str) -> Path:
    """Write the public key of the controller that whoever uses `folder` connects to; the file.

    :raises KernelError: the folder cannot be written.
    """
    path = folder / _CONTROLLER_PUBLIC
    write_private(path, public + "\n", mode=0o644)
    return path


def load_controller_public(folder: Path) -> str:
    """The public key of the controller to connect to.

    :raises UserError: there is none, or it is no key.
    """
    path = folder / _CONTROLLER_PUBLIC
    try:
        return check_key(path.read_text(errors="replace").strip(), path)
    except FileNotFoundError:
        raise UserError(
            f"the controller's public key is not in {path}; copy it from the controller's keys folder"
        ) from None
    except OSError as error:
        raise KernelError.from_os(f"read {path}", error) from error


def check_key(key: str, path: Path) -> str:
    """`key`, if it is the Z85 text of 32 bytes.

    :raises UserError: it is not; the message names the file, not the key.
    """
    from zmq.utils import z85  # noqa: PLC0415  # as above

    try:
        if len(key) == 40 and len(z85.decode(key.encode("ascii"))) == 32:
            return key
    except (ValueError, KeyError, UnicodeEncodeError, ArithmeticError):
        pass
    raise UserError(f"{path} does not hold a CURVE key (40 characters of Z85)")


def parse_private(path: Path, kind: type[T]) -> T:
    """The dataclass `kind` that is kept as JSON in the private file `path`.

    :raises FileNotFoundError: there is no such file.
    :raises UserError: others may read it, or it does not hold a `kind`.
    """
    try:
        return from_plain(kind, cast(Any, json.loads(read_private(path))), path.name)
    except (ValueError, RecursionError, ProtocolError) as error:
        # The text of a JSON error could quote the file; only the protocol's own words are safe to repeat.
        detail = f": {error}" if isinstance(error, PlctlError) else ""
        raise UserError(f"{path} is not what it should be{detail}") from None


_ORIGIN: dict[Role, str] = {
    "controller": "say where it is with --keys DIR, or make the controller's with: plctl controller init",
    "agent": "make an agent's on the controller with: plctl agent enroll NAME",
    "operator": "the controller's first operator is made by: plctl controller init",
    "viewer": "a viewer's is made on the controller with: plctl controller grant NAME --role viewer",
}
