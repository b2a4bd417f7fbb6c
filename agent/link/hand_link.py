"""Links that somebody builds, uses and removes by hand, as with phantomlink; they outlive the commands that touch them.

A hand-made link is an owner of its own, `link-NAME`, whose ledger says `keep`: entered last when it is set up and
struck first when it is torn down, so that a command killed half-way leaves something that anybody may reap. Whoever
emulates the link holds its lock alone.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from dataclasses import astuple, dataclass
from pathlib import Path

from plctl.agent.cleanup.reap import end_processes, reap
from plctl.agent.kernel.etc_files import write_etc
from plctl.agent.kernel.link_names import LinkNamespaces
from plctl.agent.kernel.namespace import NETNS_DIR
from plctl.agent.ownership import processes
from plctl.agent.ownership.ledger import Ledger, read_entries
from plctl.agent.ownership.processes import Process
from plctl.common.base.errors import BusyError, UserError
from plctl.common.base.names import is_name, name_rule
from plctl.common.base.units import RATE_UNLIMITED
from plctl.common.host.state import LEDGER_NAME, Owner, is_held, owner_folders, read_holder, state_dir
from plctl.common.plan.run_plan import ArpMode, LinkPlan, Offload
from plctl.common.scenario.schedule import Row, Schedule

DEFAULT_NAME = "default"
_PREFIX = "link-"
_ETC = "etc"


@dataclass(frozen=True, slots=True)
class HandLink:
    """A link that is set up."""

    name: str
    mtu: int
    offload: Offload = "off"  #: as in a plan

    @property
    def folder(self) -> Path:
        """Its owner's."""
        return _folder(self.name)

    @property
    def etc(self) -> Path:
        """What programs in its namespaces see in /etc."""
        return self.folder / _ETC

    @property
    def namespaces(self) -> LinkNamespaces:
        """Its namespaces."""
        return LinkNamespaces.prefixed(f"pl-link-{self.name}")

    @property
    def missing(self) -> list[str]:
        """Its namespaces that somebody removed behind our back."""
        return [name for name in astuple(self.namespaces) if not (NETNS_DIR / name).exists()]

    @property
    def user(self) -> Process | None:
        """The process that emulates it now."""
        return _read_user(self.folder) if is_held(self.folder) else None


def find(name: str) -> HandLink:
    """The link called `name`.

    :raises UserError: it is not set up, or not whole any more.
    """
    link = _load(_folder(name))
    option = "" if name == DEFAULT_NAME else f" -n {name}"
    if link is None:
        raise UserError(f"link {name} is not set up; try: plctl link setup{option}")
    if link.missing:
        raise UserError(
            f"link {name} has lost its namespace {link.missing[0]}; "
            f"try: plctl link teardown{option}, then plctl link setup{option}"
        )
    return link


def find_all() -> list[HandLink]:
    """Every link that is set up, whole or not, by name."""
    loaded = (_load(folder) for folder in owner_folders() if folder.name.startswith(_PREFIX))
    return [link for link in loaded if link is not None]


def set_up(name: str, mtu: int, arp: ArpMode = "static", offload: Offload = "off") -> HandLink:
    """Build a link; until it is emulated nothing gets through. `mtu` is in bytes, of all four ends.

    :raises UserError: `name` cannot name a link.
    :raises BusyError: it is set up already.
    :raises KernelError: the kernel refuses; nothing is left behind.
    """
    from plctl.agent.kernel import link_namespaces  # noqa: PLC0415  # pyroute2 would slow down every other command and --help

    if not is_name(name):
        raise UserError(f"{name!r} cannot name a link; write {name_rule()}")
    folder = _folder(name)
    if _load(folder) is not None:
        raise BusyError(f"link {name} is set up already; use it, or remove it with: plctl link teardown -n {name}")
    reap([folder])  # what a killed set-up left
    link = HandLink(name, mtu, offload)
    still = Schedule((Row(0, 0, 0, RATE_UNLIMITED),))  # what is emulated later raises the buffers then
    with Owner.create(folder.name) as owner, contextlib.closing(Ledger(owner.ledger_path)) as ledger:
        try:
            write_etc(link.etc)
            plan = LinkPlan(name, still, still, mtu=mtu, arp=arp, offload=offload)
            link_namespaces.build(link.namespaces, plan, ledger)
            ledger.record("keep", owner.name, mtu=mtu, offload=offload)
        except BaseException:
            owner.remove()
            raise
    return link


@contextlib.contextmanager
def hold(link: HandLink) -> Iterator[Ledger]:
    """Be the one that emulates `link`; its ledger, rid of what a killed predecessor left.

    :raises BusyError: another process emulates it, or builds or removes it.
    """
    with _alone(link.name) as owner, contextlib.closing(Ledger(owner.ledger_path)) as ledger:
        me = processes.identify(os.getpid())
        owner.write_holder(f"{me.pid} {me.started} {me.session}")
        end_processes(ledger)
        yield ledger


def tear_down(name: str, *, force: bool = False) -> list[str]:
    """Remove a link, and say in sentences what was removed: nothing if it is not set up.

    :param force: end the process that emulates it first.
    :raises BusyError: a process emulates it, and not `force`.
    :raises KernelError: the kernel refuses.
    """
    folder = _folder(name)
    if force and (user := _read_user(folder)) and is_held(folder):
        processes.end([user])
    if not folder.is_dir():
        return []
    with _alone(name) as owner, contextlib.closing(Ledger(owner.ledger_path)) as ledger:
        ledger.strike("keep", owner.name)
    return reap([folder])


@contextlib.contextmanager
def _alone(name: str) -> Iterator[Owner]:
    folder = _folder(name)
    try:
        owner = Owner.join(folder, exclusive=True)
    except BusyError:
        user = _read_user(folder)
        if user is None or not processes.is_alive(user):
            raise BusyError(f"link {name} is being set up, torn down or cleaned right now; try again") from None
        raise BusyError(
            f"link {name} is emulated by process {user.pid}; end that first (Ctrl-C), "
            f"or: plctl link teardown --force -n {name}"
        ) from None
    with owner:
        yield owner


def _folder(name: str) -> Path:
    return state_dir() / f"{_PREFIX}{name}"


def _load(folder: Path) -> HandLink | None:
    """The link whose owner's folder this is, if it was set up completely."""
    for entry in read_entries(folder / LEDGER_NAME):
        if entry.kind == "keep":
            return HandLink(folder.name.removeprefix(_PREFIX), entry.facts["mtu"], entry.facts.get("offload", "off"))
    return None


def _read_user(folder: Path) -> Process | None:
    """Who last held the link alone; it may be gone."""
    words = read_holder(folder).split()
    return Process(*map(int, words)) if len(words) == 3 else None
