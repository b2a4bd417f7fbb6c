"""Serves the live page of a run, or of a study, on this machine beside it, until its folder is complete."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from plctl.controller.results.run_folder import RunFolder

if TYPE_CHECKING:
    from plctl.controller.web.server import WebOptions
    from plctl.controller.web.sources.embedded_run import EmbeddedRun
    from plctl.controller.web.sources.embedded_source import EmbeddedSource


@asynccontextmanager
async def run_page(
    folder: RunFolder, options: WebOptions | None, tell: Callable[[str], None]
) -> AsyncIterator[EmbeddedRun | None]:
    """The run that writes `folder` as the page shows it, served within the block; None without `options`.

    :param tell: hears where the page is, and what went wrong with it.
    """
    if options is None:
        yield None
        return
    from plctl.controller.web.server import serving  # noqa: PLC0415  # packages that not everybody has
    from plctl.controller.web.sources.embedded_source import EmbeddedSource  # noqa: PLC0415

    source = EmbeddedSource(folder.path.parent)
    run = source.add(folder)
    async with serving(source, options, tell):
        tell(f"page: {options.told}")
        yield run


@asynccontextmanager
async def study_page(
    folder: Path, options: WebOptions | None, tell: Callable[[str], None]
) -> AsyncIterator[EmbeddedSource | None]:
    """The study in `folder` and its runs as the page shows them; otherwise as `run_page`."""
    if options is None:
        yield None
        return
    from plctl.controller.web.server import serving  # noqa: PLC0415  # as above
    from plctl.controller.web.sources.embedded_source import EmbeddedSource  # noqa: PLC0415

    source = EmbeddedSource(folder, study=folder)
    async with serving(source, options, tell):
        tell(f"page: {options.told}#/studies/{folder.name}")
        yield source
