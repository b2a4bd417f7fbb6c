"""Deploys to one host: connects, looks, does what the planner decides, and on a failure leads back what was done."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from plctl.common.base.errors import PlctlError
from plctl.common.security.allow_list import AllowEntry, AllowList
from plctl.common.security.enrolment import admit
from plctl.common.security.keys import KeyPair, load_controller_public
from plctl.deploy.bundle.bundler import Bundle, Bundler, Target
from plctl.deploy.hosts.facts import Found, Wanted, read_found
from plctl.deploy.hosts.planner import Change, Step, plan, refusal
from plctl.deploy.hosts.result import HostResult, Outcome
from plctl.deploy.hosts.unit import unit_text
from plctl.deploy.ssh.failure import CutError, HostBusyError, RemoteError
from plctl.deploy.ssh.remote import Remote

_PLCTL = "/opt/plctl/current/bin/plctl"
_AGENT_KEYS = "/etc/plctl"
LOOK_AT_RUNS_EVERY_S = 2.0  #: with --wait


@dataclass(frozen=True, slots=True)
class DeployOptions:
    """What the user wants of every host."""

    controller: str  #: address
    keys: Path  #: the controller's keys folder
    check: bool = False  #: change nothing
    rotate_keys: bool = False
    wait: bool = False  #: for the end of runs
    start_timeout_s: float = 30


class HostDeploy:
    """One host on its way; `tell` hears a word for the step and perhaps more."""

    def __init__(
        self, remote: Remote, order: DeployOptions, bundler: Bundler, tell: Callable[[str, str], None]
    ) -> None:
        self._remote = remote
        self._name = remote.host.name
        self._order = order
        self._bundler = bundler
        self._tell = tell
        self._done: list[Step] = []
        self._admitted = False
        self._before: AllowEntry | None = None  #: whom the controller let in by this name

    async def run(self) -> HostResult:
        """Everything, from the first connection on; never raises what the host is to blame for."""
        try:
            return await self._run()
        except PlctlError as error:
            return HostResult(self._name, Outcome.FAILED, str(error))
        finally:
            await self._remote.close()

    async def _run(self) -> HostResult:
        self._tell("reach", "")
        machine = await self._remote.open()
        self._tell("inspect", "")
        found = read_found(await self._remote.call("inspect"))
        bundle = await asyncio.to_thread(self._bundler.make, Target(machine.python_version, machine.architecture))
        wanted = self._wanted(bundle)
        changes = plan(found, wanted)
        if cause := refusal(found, wanted, changes):
            return HostResult(self._name, Outcome.FAILED, cause)
        facts = _describe(found)
        if not changes:
            return HostResult(self._name, Outcome.UNCHANGED, f"plctl {wanted.version} serves", facts=facts)
        if self._order.check:
            return HostResult(self._name, Outcome.WOULD_CHANGE, "", tuple(changes), facts)
        await self._change(changes, found, wanted, bundle)
        before, now = found.current.rpartition("-")[0], f"plctl {wanted.version} serves"
        text = f"{now} in place of {before}" if before not in ("", wanted.version) else now
        return HostResult(self._name, Outcome.CHANGED, text, tuple(changes), facts)

    def _wanted(self, bundle: Bundle) -> Wanted:
        entries = AllowList(self._order.keys).entries()
        allowed = next((entry.public for entry in entries if (entry.name, entry.role) == (self._name, "agent")), "")
        return Wanted(
            name=self._name,
            bundle=bundle.name,
            version=bundle.version,
            size_bytes=bundle.size_bytes,
            unit=unit_text(_PLCTL, self._order.controller, _AGENT_KEYS),
            controller_public=load_controller_public(self._order.keys),
            allowed_public=allowed,
            rotate_keys=self._order.rotate_keys,
            wait=self._order.wait,
        )

    async def _change(self, changes: list[Change], found: Found, wanted: Wanted, bundle: Bundle) -> None:
        """Do the steps of `changes`.

        :raises RemoteError: one failed; what was done before it is undone.
        """
        work: dict[Step, Callable[[], Awaitable[object]]] = {
            Step.COPY: lambda: self._remote.call("receive", bundle.path, bundle=bundle.name, sha256=bundle.sha256),
            Step.INSTALL: lambda: self._remote.call("install", bundle=bundle.name),
            Step.KEYS: lambda: self._give_key(wanted),
            Step.UNIT: lambda: self._remote.call("set_unit", text=wanted.unit),
            Step.START: lambda: self._remote.call("start", bundle=bundle.name, timeout_s=self._order.start_timeout_s),
        }
        try:
            for change in changes:
                if change.step not in (Step.COPY, Step.INSTALL):
                    await self._await_idle()
                self._tell(change.step, change.text)
                self._done.append(change.step)
                await work[change.step]()
            self._tell("healthy", "")
            await self._remote.call("finish", bundle=bundle.name)
        except PlctlError as error:
            self._tell("undo", str(error))
            if isinstance(error, HostBusyError):
                self._done.pop()  # nothing was changed
            trouble = await self._undo(found, bundle, cut=isinstance(error, CutError))
            raise RemoteError(f"{change.step}: {error}{trouble}") from None

    async def _await_idle(self) -> None:
        """With --wait: until no run goes on there. Without, the host itself refuses."""
        while self._order.wait:
            agents = await self._remote.call("agents")
            runs = [run for agent in agents for run in agent["runs"]]
            if not runs:
                return
            self._tell("wait", f"for the end of {', '.join(runs)}")
            await asyncio.sleep(LOOK_AT_RUNS_EVERY_S)

    async def _give_key(self, wanted: Wanted) -> None:
        """A new key pair goes to the host, its public half alone to the controller; nothing else keeps it."""
        await self._remote.call("refuse_busy")
        pair = KeyPair.generate(self._name, "agent")
        text = json.dumps(asdict(pair), indent=1) + "\n"
        await self._remote.call("set_keys", key=text, controller_public=wanted.controller_public)
        self._admitted = True
        self._before = admit(self._order.keys, pair, "agent")

    # --- the way back

    async def _undo(self, found: Found, bundle: Bundle, *, cut: bool) -> str:
        """Make the host what it was; what to add to the cause."""
        try:
            if cut:
                await self._remote.close()
                await self._remote.open()
            if Step.START in self._done:
                await self._remote.call("switch", bundle=found.current)
            if Step.UNIT in self._done:
                await self._remote.call("set_unit", text=found.unit)
            if Step.KEYS in self._done:
                public = found.controller_public
                await self._remote.call("restore_keys", key_public=found.key_public, controller_public=public)
            if Step.COPY in self._done:
                await self._remote.call("uninstall", bundle=bundle.name)
            if Step.START in self._done and found.current and found.active in ("active", "activating"):
                self._readmit()
                await self._remote.call("start", bundle=found.current, timeout_s=self._order.start_timeout_s)
        except PlctlError as error:
            return f"; and it could not be made what it was: {error}; the next deploy mends it"
        finally:
            self._readmit()
        return "; it is again what it was"

    def _readmit(self) -> None:
        """Let in by this name whom the controller let in before; may be called twice."""
        if self._admitted:
            allowed = AllowList(self._order.keys)
            if self._before:
                allowed.add(self._before, replace=True)
            elif any(entry.name == self._name for entry in allowed.entries()):
                allowed.remove(self._name)


def _describe(found: Found) -> str:
    clock = found.clock or "nobody known"
    return f"{found.os}, Linux {found.kernel}, clock kept by {clock}"
