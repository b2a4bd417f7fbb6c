"""Deploys to many hosts at once, as many at a time as allowed; one host's failure is no other's."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any, TypeVar

from plctl.common.base.errors import PlctlError
from plctl.deploy.bundle.bundler import Bundler, Target
from plctl.deploy.hosts.host_deploy import DeployOptions, HostDeploy
from plctl.deploy.hosts.host_removal import HostRemoval
from plctl.deploy.hosts.result import HostResult
from plctl.deploy.inventory.host import Host
from plctl.deploy.ssh.remote import Login, Remote

_T = TypeVar("_T")

#: Hears the host, the step that it is at, and perhaps more about it.
Listener = Callable[[str, str, str], None]


async def deploy(
    hosts: Sequence[Host], login: Login, order: DeployOptions, bundler: Bundler, *, parallel: int, tell: Listener
) -> list[HostResult]:
    """Deploy to `hosts`; their results, in the same order."""

    async def work(host: Host) -> HostResult:
        listener = partial(tell, host.name)
        result = await HostDeploy(Remote(host, login), order, bundler, listener).run()
        listener(result.outcome, result.text)
        return result

    return await _each(hosts, work, parallel)


async def remove(
    hosts: Sequence[Host], login: Login, order: DeployOptions, *, parallel: int, tell: Listener
) -> list[HostResult]:
    """Take away from `hosts` what was deployed; their results, in the same order."""

    async def work(host: Host) -> HostResult:
        listener = partial(tell, host.name)
        result = await HostRemoval(Remote(host, login), order, listener).run()
        listener(result.outcome, result.text)
        return result

    return await _each(hosts, work, parallel)


async def examine(hosts: Sequence[Host], login: Login, bundler: Bundler, *, parallel: int) -> dict[str, dict[str, Any]]:
    """What the doctor finds on `hosts`, by name; ``{"error": sentence}`` where it comes to no finding."""

    async def work(host: Host) -> dict[str, Any]:
        remote = Remote(host, login)
        try:
            machine = await remote.open()
            if document := await remote.call("doctor", bundled=False):
                return dict(document)
            target = Target(machine.python_version, machine.architecture)
            bundle = await asyncio.to_thread(bundler.make, target)
            return dict(await remote.call("doctor", bundle.path, bundled=True))
        except PlctlError as error:
            return {"error": str(error)}
        finally:
            await remote.close()

    documents = await _each(hosts, work, parallel)
    return {host.name: document for host, document in zip(hosts, documents, strict=True)}


async def _each(hosts: Sequence[Host], work: Callable[[Host], Awaitable[_T]], parallel: int) -> list[_T]:
    limit = asyncio.Semaphore(parallel)

    async def one(host: Host) -> _T:
        async with limit:
            return await work(host)

    return list(await asyncio.gather(*(one(host) for host in hosts)))
