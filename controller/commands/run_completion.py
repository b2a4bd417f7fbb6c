"""What a shell offers for RUN, for links and for hosts: those that there are, here or at the controller.

A shell asks while somebody types: whatever goes wrong, or takes long, there is nothing to offer, and no word of it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click
from click.shell_completion import CompletionItem

from plctl.common.base.errors import PlctlError
from plctl.common.client.options import Reach

if TYPE_CHECKING:
    from plctl.controller.results.run_record import RunRecord
    from plctl.controller.view.run_source import RunSource

#: How long a controller may take to answer.
_PATIENCE_S = 2.0
#: The newest runs, which are offered.
_OFFERED = 50

T = TypeVar("T")


def complete_run(ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Ids of runs that begin, or whose last four letters begin, like `incomplete`; and `last`; paths if it is one."""
    if "/" in incomplete or incomplete.startswith("."):
        return [CompletionItem(incomplete, type="dir")]

    async def ids(source: RunSource, _run: str) -> list[str]:
        return [info.run for info in await source.runs(_OFFERED)]

    none: list[str] = []
    known = ["last", *_look(ctx, "last", ids, none)]
    begun = [run for run in known if run.startswith(incomplete)]
    ends = [end for run in known[1:] if (end := run.rpartition("-")[2]).startswith(incomplete)] if not begun else []
    return [CompletionItem(run) for run in begun or ends]


def complete_link(ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[str]:
    """Links of the run that the line names before, or else of the newest."""
    record = _record(ctx)
    names = [link.plan.name for link in record.links] if record else []
    return [name for name in names if name.startswith(incomplete)]


def complete_host(ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[str]:
    """Hosts of that run, and the controller."""
    record = _record(ctx)
    names = ["controller", *(record.hosts_by_name() if record else ())]
    return [name for name in names if name.startswith(incomplete)]


def _record(ctx: click.Context) -> RunRecord | None:
    async def read(source: RunSource, run: str) -> RunRecord | None:
        from plctl.controller.view.run_source import read_record

        return await read_record(source, run) if run else None

    return _look(ctx, str(ctx.params.get("run") or "last"), read, None)


def _look(ctx: click.Context, word: str, work: Callable[[RunSource, str], Awaitable[T]], otherwise: T) -> T:
    """What `work` makes of the runs that the line so far is about, and of the one it calls `word`."""
    given: dict[str, Any] = ctx.params
    reach = Reach(given.get("controller"), given.get("keys"), bool(given.get("local")))

    async def find_and_work() -> T:
        from plctl.controller.view.run_source import open_source

        async with open_source(reach, given.get("base") or Path("runs"), word) as (source, run):
            return await work(source, run)

    import asyncio

    async def in_time() -> T:
        return await asyncio.wait_for(find_and_work(), _PATIENCE_S)

    try:
        return asyncio.run(in_time())
    except (PlctlError, OSError, TimeoutError):
        return otherwise
