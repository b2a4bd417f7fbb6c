"""The runs of a controller, asked for over the wire."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Protocol, TypeVar

from plctl.common.base.errors import UserError
from plctl.common.protocol import requests as rq
from plctl.controller.results.telemetry_file import COLUMNS
from plctl.controller.view.live_samples import read_live
from plctl.controller.view.run_source import read_record, read_whole

_TELEMETRY = f"{COLUMNS.name}.parquet"
#: Telemetry of a run that is over is copied to look at one link of it only up to this size.
_MAX_TELEMETRY_BYTES = 32 * 2**20


A = TypeVar("A", bound=rq.ClientAnswer)


class Asker(Protocol):
    """Whoever gets answers from a controller; a `Client`, over the wire."""

    async def ask(self, request: rq.ClientRequest, answer: type[A]) -> A:
        """What the controller answers to `request`."""


class RemoteRuns:
    """A `RunSource` over a conversation with a controller."""

    def __init__(self, client: Asker, address: str) -> None:
        self._client = client
        self.place = address

    def folder(self, run: str) -> None:  # noqa: ARG002  (it is with the controller)
        return None

    async def runs(self, limit: int) -> tuple[rq.RunInfo, ...]:
        return (await self._client.ask(rq.ListRuns(limit), rq.Runs)).runs

    async def state(self, run: str) -> rq.RunState:
        return await self._client.ask(rq.ReadRun(run), rq.RunState)

    async def link(self, run: str, link: str) -> rq.LinkState:
        for state in (await self.state(run)).links:
            if state.link == link:
                return state if state.up or state.down else await self._from_telemetry(run, state)
        raise UserError(f"{run} has no link {link!r:.80}")

    async def files(self, run: str) -> tuple[rq.FileInfo, ...]:
        return (await self._client.ask(rq.ListFiles(run), rq.Files)).files

    async def read(self, run: str, path: str, offset: int = 0, length: int = rq.MAX_FILE_PART) -> rq.FilePart:
        return await self._client.ask(rq.ReadFile(run, path, offset, length), rq.FilePart)

    async def _from_telemetry(self, run: str, state: rq.LinkState) -> rq.LinkState:
        """`state` with what the telemetry of a run that is over says of the link, if that is not too much to copy."""
        sizes = {file.path: file.size for file in await self.files(run)}
        if not 0 < sizes.get(_TELEMETRY, 0) <= _MAX_TELEMETRY_BYTES:
            return state
        with TemporaryDirectory(prefix="plctl-") as folder:
            path = Path(folder)
            (path / _TELEMETRY).write_bytes(await read_whole(self, run, _TELEMETRY))
            live = read_live(path, await read_record(self, run), [state.link])
        return replace(state, up=live.get((state.link, "up"), ()), down=live.get((state.link, "down"), ()))
