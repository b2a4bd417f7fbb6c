"""Deploys to many hosts at once, as many at a time as allowed; one host's failure is no other's."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from plctl.deploy.bundle import Bundler
from plctl.deploy.host import Host
from plctl.deploy.host_deploy import HostDeploy, HostRemoval, Order
from plctl.deploy.remote import Login, Remote
from plctl.deploy.result import HostResult

#: Hears the host, the step that it is at, and perhaps more about it.
Listener = Callable[[str, str, str], None]


async def deploy(
    hosts: Sequence[Host], login: Login, order: Order, bundler: Bundler, *, parallel: int, tell: Listener
) -> list[HostResult]:
    """Deploy to `hosts`; their results, in the same order."""

    async def work(host: Host) -> HostResult:
        return await HostDeploy(
            Remote(host, login), order, bundler, lambda step, text: tell(host.name, step, text)
        ).run()

    return await _each(hosts, work, parallel, tell)


async def remove(
    hosts: Sequence[Host], login: Login, order: Order, *, parallel: int, tell: Listener
) -> list[HostResult]:
    """Take away from `hosts` what was deployed; their results, in the same order."""

    async def work(host: Host) -> HostResult:
        return await HostRemoval(Remote(host, login), order, lambda step, text: tell(host.name, step, text)).run()

    return await _each(hosts, work, parallel, tell)


async def _each(
    hosts: Sequence[Host], work: Callable[[Host], Awaitable[HostResult]], parallel: int, tell: Listener
) -> list[HostResult]:
    limit = asyncio.Semaphore(parallel)

    async def one(host: Host) -> HostResult:
        async with limit:
            result = await work(host)
            tell(host.name, result.outcome, result.text)
            return result

    return list(await asyncio.gather(*(one(host) for host in hosts)))
