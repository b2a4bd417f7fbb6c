"""Takes from one host what was deployed there, and nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from plctl.common.base.errors import PlctlError
from plctl.common.security.allow_list import AllowList
from plctl.deploy.hosts.facts import read_found
from plctl.deploy.hosts.host_deploy import LOOK_AT_RUNS_EVERY_S, DeployOptions
from plctl.deploy.hosts.result import HostResult, Outcome
from plctl.deploy.ssh.remote import Remote


class HostRemoval:
    """Takes everything that deploy put on one host away again, and its agent off the controller's list."""

    def __init__(self, remote: Remote, order: DeployOptions, tell: Callable[[str, str], None]) -> None:
        self._remote = remote
        self._order = order
        self._tell = tell

    async def run(self) -> HostResult:
        """Everything; never raises what the host is to blame for."""
        name = self._remote.host.name
        try:
            return await self._run(name)
        except PlctlError as error:
            return HostResult(name, Outcome.FAILED, f"{error}; its key still counts: plctl controller revoke {name}")
        finally:
            await self._remote.close()

    async def _run(self, name: str) -> HostResult:
        self._tell("reach", "")
        await self._remote.open()
        self._tell("inspect", "")
        found = read_found(await self._remote.call("inspect"))
        listed = any(entry.name == name for entry in AllowList(self._order.keys).entries())
        installed = bool(found.bundles or found.broken or found.unit or found.key_public) and not found.strangers
        if not installed and not listed:
            return HostResult(name, Outcome.UNCHANGED, f"nothing of ours is there{_left(found.strangers)}")
        if self._order.check:
            return HostResult(name, Outcome.WOULD_CHANGE, "would be removed, and its key revoked")
        left: Sequence[str] = found.strangers
        if installed:
            while self._order.wait and (runs := read_found(await self._remote.call("inspect")).runs):
                self._tell("wait", f"for the end of {', '.join(runs)}")
                await asyncio.sleep(LOOK_AT_RUNS_EVERY_S)
            self._tell("remove", "")
            left = await self._remote.call("remove", busy_too=False)
        if listed:
            AllowList(self._order.keys).remove(name)
        return HostResult(name, Outcome.REMOVED, f"nothing of ours is there any more{_left(left)}")


def _left(files: Sequence[str]) -> str:
    return f"; not on record as ours and left there: {', '.join(files)}" if files else ""
