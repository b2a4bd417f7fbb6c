"""The runs of a controller, asked for over the wire."""

from __future__ import annotations

from plctl.common import requests as rq
from plctl.common.client import Client
from plctl.common.errors import UserError


class RemoteRuns:
    """A `RunSource` over a conversation with a controller."""

    def __init__(self, client: Client, address: str) -> None:
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
                return state
        raise UserError(f"{run} has no link {link!r:.80}")

    async def files(self, run: str) -> tuple[rq.FileInfo, ...]:
        return (await self._client.ask(rq.ListFiles(run), rq.Files)).files

    async def read(self, run: str, path: str, offset: int = 0, length: int = rq.MAX_FILE_PART) -> rq.FilePart:
        return await self._client.ask(rq.ReadFile(run, path, offset, length), rq.FilePart)
