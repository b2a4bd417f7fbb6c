"""Decides what to change on a host, from what it is and what it should be. Pure: no ssh, no clock, no files."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from plctl.common.base.units import format_size
from plctl.common.host.facts import parse_release
from plctl.deploy.hosts.facts import Found, Wanted
from plctl.deploy.hosts.unit import UNIT

_OLDEST_KERNEL = (5, 11)
#: An installation is some four times its bundle: sources, what Python compiles of them, the archive beside it.
_SPACE = 4
_UNIT_PATH = f"/etc/systemd/system/{UNIT}"


class Step(StrEnum):
    """What is done to a host, in this order."""

    COPY = "copy"
    INSTALL = "install"
    KEYS = "keys"
    UNIT = "unit"
    START = "start"


@dataclass(frozen=True, slots=True)
class Change:
    """A step that is not done yet: what it would do, in words, and perhaps a text of several lines."""

    step: Step
    text: str
    detail: str = ""


def plan(found: Found, wanted: Wanted) -> list[Change]:
    """What it takes to make `found` into `wanted`; nothing if it is so already."""
    changes = [*_install(found, wanted), *_keys(found, wanted), *_unit(found, wanted)]
    return [*changes, *_start(found, wanted, changed=bool(changes))]


def refusal(found: Found, wanted: Wanted, changes: list[Change]) -> str:
    """Why the host cannot be changed so, in a sentence; empty if it can."""
    if unfit := _unfit(found):
        return unfit
    if found.strangers and changes:
        return f"{found.strangers[0]} is there already and was not put there by plctl deploy; move it away first"
    needed = wanted.size_bytes * _SPACE
    if any(change.step is Step.COPY for change in changes) and found.free_bytes < needed:
        return f"its disk is full: {format_size(found.free_bytes)} are free at /opt, {format_size(needed)} are needed"
    if found.runs and changes and not wanted.wait:
        return f"a run goes on there ({', '.join(found.runs)}); with --wait it is waited for"
    return ""


def _unfit(found: Found) -> str:
    """Why no agent can live there at all."""
    if not found.root:
        return "its user does not become root: let it, by sudo"
    if not found.systemd:
        return "systemd does not run there, which keeps the agent alive"
    if parse_release(found.kernel) < _OLDEST_KERNEL:
        return f"its kernel {found.kernel} is too old: boot {'.'.join(map(str, _OLDEST_KERNEL))} or newer"
    return ""


def _install(found: Found, wanted: Wanted) -> Iterator[Change]:
    if wanted.bundle in found.bundles:
        return
    yield Change(Step.COPY, f"copy plctl {wanted.bundle}, {format_size(wanted.size_bytes)} unpacked")
    again = " again, because it is not whole" if wanted.bundle in found.broken else ""
    yield Change(Step.INSTALL, f"install it in /opt/plctl/{wanted.bundle}{again}")


def _keys(found: Found, wanted: Wanted) -> Iterator[Change]:
    if wanted.rotate_keys and found.key_public:
        yield Change(Step.KEYS, "make a new key for the agent, as asked")
    elif not found.key_public:
        yield Change(Step.KEYS, "make a key for the agent and let it in")
    elif found.key_public != wanted.allowed_public or found.key_name != wanted.name:
        yield Change(Step.KEYS, "make a new key for the agent: the controller does not let the one there in")
    elif found.controller_public != wanted.controller_public:
        yield Change(Step.KEYS, "make a new key for the agent, which knows another controller's")


def _unit(found: Found, wanted: Wanted) -> Iterator[Change]:
    if found.unit != wanted.unit:
        old = _UNIT_PATH if found.unit else "/dev/null"
        lines = difflib.unified_diff(
            found.unit.splitlines(), wanted.unit.splitlines(), old, _UNIT_PATH, lineterm="", n=2
        )
        yield Change(Step.UNIT, f"{'change' if found.unit else 'write'} {_UNIT_PATH}", "\n".join(lines))


def _start(found: Found, wanted: Wanted, *, changed: bool) -> Iterator[Change]:
    mine = [agent for agent in found.agents if agent.name == wanted.name]
    if found.current and found.current != wanted.bundle:
        yield Change(Step.START, f"go over from {found.current} to {wanted.bundle}")
    elif not found.current or found.active not in ("active", "activating", "reloading"):
        yield Change(Step.START, "start the agent")
    elif changed:
        yield Change(Step.START, "start the agent again")
    elif not any(agent.serving for agent in mine):
        yield Change(Step.START, "start the agent again, because its controller has not welcomed it")
    elif not found.enabled:
        yield Change(Step.START, "start the agent again, and have it start with the host")
