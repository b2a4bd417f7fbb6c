"""Makes keys and lets their holders in: the controller's own first, then one pair for every agent and person.

Everything is made in the controller's keys folder. What a peer needs on its own host is a folder by itself,
`enrolled/NAME`, that is copied there whole and then deleted here: nobody else needs the peer's secret.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from plctl.common.base.clock import RealClock, format_wall
from plctl.common.base.errors import BusyError, UserError
from plctl.common.security.allow_list import AllowEntry, AllowList
from plctl.common.security.keys import ClientRole, KeyPair, load_pair, pair_path, save_controller_public, save_pair

_ENROLLED = "enrolled"


def init_controller(folder: Path, operator: str) -> list[Path]:
    """Make the keys of a controller and of its first operator in `folder`; the files.

    The controller's key is written last, so that an interrupted call can be made again.

    :raises UserError: `operator` cannot be a name.
    :raises BusyError: `folder` has a controller's key already.
    :raises KernelError: `folder` cannot be written.
    """
    if pair_path(folder, "controller").exists():
        raise BusyError(f"{pair_path(folder, 'controller')} exists already; without it nobody could connect any more")
    controller, first = KeyPair.generate("controller", "controller"), KeyPair.generate(operator, "operator")
    allowed = AllowList(folder)
    allowed.add(_entry(first, "operator"), replace=True)
    return [
        save_pair(folder, first),
        allowed.path,
        save_controller_public(folder, controller.public),
        save_pair(folder, controller),
    ]


def enroll(folder: Path, name: str, role: ClientRole, *, replace: bool = False) -> list[Path]:
    """Make a key pair for `name` and let it in as `role`; the files that belong on its host. Errors as `enroll_all`."""
    return enroll_all(folder, [name], role, replace=replace)


def enroll_all(folder: Path, names: Sequence[str], role: ClientRole, *, replace: bool = False) -> list[Path]:
    """Make a key pair for each of `names` and let them in as `role`; the files that belong on their hosts.

    :param folder: the controller's keys folder.
    :param replace: make earlier keys of the same names void.
    :raises UserError: one cannot be a name, or is given twice, or `folder` has no controller's keys.
    :raises BusyError: one is on the list already.
    :raises KernelError: `folder` cannot be written.
    """
    controller = load_pair(folder, "controller")
    if controller.name in names:
        raise UserError(f"{controller.name!r} is the controller's own name")
    if again := [name for name in names if names.count(name) > 1]:
        raise UserError(f"{again[0]!r} is given twice")
    pairs = [KeyPair.generate(name, role) for name in names]
    AllowList(folder).add(*(_entry(pair, role) for pair in pairs), replace=replace)
    files = []
    for pair in pairs:
        own = folder / _ENROLLED / pair.name
        files += [save_pair(own, pair), save_controller_public(own, controller.public)]
    return files


def admit(folder: Path, pair: KeyPair, role: ClientRole) -> AllowEntry | None:
    """Let the holder of `pair` in as `role`, in place of an earlier key of the same name; that one's entry, if any.

    :param folder: the controller's keys folder; `pair` itself is not kept.
    :raises KernelError: `folder` cannot be written.
    """
    allowed = AllowList(folder)
    before = next((entry for entry in allowed.entries() if entry.name == pair.name), None)
    allowed.add(_entry(pair, role), replace=True)
    return before


def _entry(pair: KeyPair, role: ClientRole) -> AllowEntry:
    return AllowEntry(pair.name, role, pair.public, format_wall(RealClock().wall_ns()))
